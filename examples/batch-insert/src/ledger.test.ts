import { PGlite } from '@electric-sql/pglite';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Ledger, SCHEMA, type Row } from './ledger.js';

const PAYMENT_1 = '00000000-0000-4000-8000-000000000001';
const PAYMENT_2 = '00000000-0000-4000-8000-000000000002';

let database: PGlite;
let ledger: Ledger;

beforeAll(async () => {
  database = await PGlite.create();
  await database.exec(SCHEMA);
  ledger = new Ledger(database);
}, 30_000);
beforeEach(async () => {
  await database.exec(`truncate accounts, payments; insert into accounts values ('alice')`);
});
afterAll(() => database.close());

const row = (recordId: string, payment: Partial<Row['payment']> = {}): Row => ({
  recordId,
  payment: { paymentId: PAYMENT_1, account: 'alice', cents: 100, ...payment },
});

async function recordIds(): Promise<readonly string[]> {
  const { rows } = await database.query<{ record_id: string }>('select record_id from payments order by record_id');
  return rows.map(({ record_id: id }) => id);
}

describe('Ledger', () => {
  it('inserts a batch', async () => {
    expect(await ledger.insert([row('a'), row('b', { paymentId: PAYMENT_2 })])).toEqual([]);

    expect(await recordIds()).toEqual(['a', 'b']);
  });

  it('inserts a record that is delivered twice once', async () => {
    await ledger.insert([row('a')]);

    expect(await ledger.insert([row('a'), row('b', { paymentId: PAYMENT_2 })])).toEqual([]);
    expect(await recordIds()).toEqual(['a', 'b']);
  });

  it.each([
    ['the account is unknown', { account: 'bob' }, '23503'],
    ['the amount is not positive', { cents: 0 }, '23514'],
    ['the payment came in another record already', { paymentId: PAYMENT_1 }, '23505'],
  ])('gives a row back when %s, and inserts the others', async (_, payment, code) => {
    const refused = row('b', { paymentId: PAYMENT_2, ...payment });
    const refusals = await ledger.insert([
      row('a'),
      refused,
      row('c', { paymentId: '00000000-0000-4000-8000-000000000003' }),
    ]);

    expect(refusals).toEqual([{ row: refused, code, message: expect.any(String) }]);
    expect(await recordIds()).toEqual(['a', 'c']);
  });

  it('throws, and inserts nothing, when the trouble is no fault of a row', async () => {
    await expect(ledger.insert([row('a'), row('b', { paymentId: 'no uuid' })])).rejects.toThrow('invalid input syntax');

    expect(await recordIds()).toEqual([]);
  });
});
