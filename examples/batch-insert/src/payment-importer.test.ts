import { handler, records, testBed, track } from '@millrace/testing';
import '@millrace/testing/vitest';
import { PGlite } from '@electric-sql/pglite';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Ledger, SCHEMA, type Refusal, type Row } from './ledger.js';
import type { Payment } from './payment.js';
import { PaymentImporter } from './payment-importer.js';

/** The database works in real time, and a bed has a clock of its own: `track` tells it what to wait for. */
class TrackedLedger extends Ledger {
  readonly batches: number[] = [];

  override insert(rows: readonly Row[]): Promise<readonly Refusal[]> {
    this.batches.push(rows.length);
    return track(super.insert(rows));
  }
}

let database: PGlite;
let ledger: TrackedLedger;
beforeAll(async () => {
  database = await PGlite.create();
  await database.exec(SCHEMA);
}, 30_000);
beforeEach(async () => {
  await database.exec(`truncate accounts, payments; insert into accounts values ('alice')`);
  ledger = new TrackedLedger(database);
});
afterAll(() => database.close());
const options = () => ({ overrides: [{ token: Ledger, useValue: ledger }] });

const payment = records.json<Payment>({ key: ({ account }) => account });
const paymentId = (index: number) => `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`;
const aPayment = (index: number, changes: Partial<Payment> = {}): Payment => ({
  paymentId: paymentId(index),
  account: 'alice',
  cents: 100,
  ...changes,
});

async function inserted(): Promise<readonly string[]> {
  const { rows } = await database.query<{ payment_id: string }>('select payment_id from payments order by payment_id');
  return rows.map((row) => row.payment_id);
}

describe('insert', () => {
  it('says of each payment what became of it', async () => {
    const { items } = await handler(PaymentImporter, 'insert', options()).run([
      aPayment(1),
      aPayment(2, { cents: 0 }),
      aPayment(3),
    ]);

    expect(items.map(({ kind }) => kind)).toEqual(['handled', 'failed', 'handled']);
    expect(items[1]?.error).toMatchObject({ code: 'NON_RETRYABLE', message: expect.stringContaining('positive') });
  });
});

describe('PaymentImporter', () => {
  it('inserts a batch with one statement', async () => {
    await using bed = await testBed(PaymentImporter, options());

    const delivered = bed.shard().deliver(...payment.many(50, aPayment));
    await bed.idle();

    expect(await inserted()).toHaveLength(50);
    expect(ledger.batches).toEqual([50]);
    expect(bed.shard()).toHaveCheckpointed(delivered[49]!);
  });

  it('parks the payment that breaks a constraint at once, and inserts the others', async () => {
    await using bed = await testBed(PaymentImporter, options());

    const [, bad] = bed
      .shard()
      .deliver(payment(aPayment(1)), payment(aPayment(2, { cents: -5 })), payment(aPayment(3)));
    await bed.idle();

    expect(await inserted()).toEqual([paymentId(1), paymentId(3)]);
    expect(bed).toHaveParked(bad, { attempts: 1, reason: /positive/ });
  });

  it('tries a payment again alone whose account comes a moment later', async () => {
    await using bed = await testBed(PaymentImporter, options());

    const delivered = bed.shard().deliver(payment(aPayment(1)), payment(aPayment(2, { account: 'bob' })));
    await bed.settle();
    expect(await inserted()).toEqual([paymentId(1)]);
    await database.exec(`insert into accounts values ('bob')`);
    await bed.idle();

    expect(ledger.batches).toEqual([2, 1]);
    expect(bed).toHaveHandled(...delivered);
  });

  it('inserts nothing twice when the batch is delivered again after a crash', async () => {
    await using bed = await testBed(PaymentImporter, options());
    const delivered = bed.shard().deliver(payment(aPayment(1)), payment(aPayment(2)));
    await bed.settle();

    await bed.shard().crash();
    await bed.idle();

    expect(await inserted()).toEqual([paymentId(1), paymentId(2)]);
    expect(bed).toHaveHandled(...delivered);
  });
});
