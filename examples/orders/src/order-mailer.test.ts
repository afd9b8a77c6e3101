import { handler, records, testBed } from '@millrace/testing';
import '@millrace/testing/vitest';
import { beforeEach, describe, expect, it } from 'vitest';
import { Mailer, type Mail } from './mailer.js';
import { OrderMailer } from './order-mailer.js';
import { OrderPlaced } from './order-placed.js';

/** Sends into memory, and fails as often as a test says. */
class FakeMailer extends Mailer {
  readonly sent: Mail[] = [];
  failures = 0;

  constructor() {
    super('no file');
  }

  override async send(mail: Mail): Promise<void> {
    if (this.failures > 0) {
      this.failures -= 1;
      throw new Error('the mail service is down');
    }
    this.sent.push(mail);
  }
}

let mailer: FakeMailer;
beforeEach(() => {
  mailer = new FakeMailer();
});
const overrides = () => [{ token: Mailer, useValue: mailer }];

const anOrder = (orderId = 'o-1', changes: Partial<OrderPlaced> = {}): OrderPlaced => ({
  orderId,
  customer: 'ann@example.com',
  lines: [{ sku: 'tea', quantity: 2 }],
  ...changes,
});

describe('placed', () => {
  it('confirms the order, with the id of its record', async () => {
    const outcome = await handler(OrderMailer, 'placed', { overrides: overrides() }).run(anOrder());

    expect(outcome.kind).toBe('handled');
    expect(mailer.sent).toEqual([
      { kind: 'confirmation', recordId: expect.stringMatching(/:0$/), orderId: 'o-1', to: 'ann@example.com' },
    ]);
  });

  it.each([
    ['no order id', anOrder('')],
    ['a customer without address', anOrder('o-1', { customer: 'ann' })],
    ['no lines', anOrder('o-1', { lines: [] })],
    ['a line of nothing', anOrder('o-1', { lines: [{ sku: 'tea', quantity: 0 }] })],
  ])('never sees an order with %s', async (_, order) => {
    const outcome = await handler(OrderMailer, 'placed', { overrides: overrides() }).run(order);

    expect(outcome.error).toMatchObject({ code: 'VALIDATION_FAILED' });
    expect(mailer.sent).toEqual([]);
  });
});

describe('OrderMailer', () => {
  const order = records.json<OrderPlaced>({ key: ({ customer }) => customer });
  const open = () => testBed(OrderMailer, { overrides: overrides() });

  it('parks what is no order, and goes on with the next one', async () => {
    await using bed = await open();

    const [good, torn, alsoGood] = bed
      .shard()
      .deliver(order(anOrder('o-1')), records.text('{"orderId":'), order(anOrder('o-2')));
    await bed.idle();

    expect(bed).toHaveHandled(good, alsoGood);
    expect(bed).toHaveParked(torn, { reason: 'DECODE_FAILED', attempts: 0 });
    expect(bed.shard()).toHaveCheckpointed(alsoGood);
  });

  it('tries a mail again that could not be sent', async () => {
    await using bed = await open();
    mailer.failures = 2;

    const [record] = bed.shard().deliver(order(anOrder()));
    await bed.idle();

    expect(mailer.sent).toHaveLength(1);
    expect(bed).toHaveRetried(record, 2);
    expect(bed).toHaveHandled(record);
  });

  it('parks an order whose mail cannot be sent in five attempts', async () => {
    await using bed = await open();
    mailer.failures = 5;

    const [first, second] = bed.shard().deliver(order(anOrder('o-1')), order(anOrder('o-2')));
    await bed.idle();

    expect(bed).toHaveParked(first, { attempts: 5, reason: /mail service is down/ });
    expect(bed).toHaveHandled(second);
  });

  it('says at the end of a shard how many orders it has confirmed there', async () => {
    await using bed = await testBed(OrderMailer, { overrides: overrides(), shards: ['parent', 'other'] });
    bed.shard('parent').deliver(order(anOrder('o-1')), order(anOrder('o-2')));
    bed.shard('other').deliver(order(anOrder('o-3')));
    await bed.idle();

    bed.shard('parent').end();
    await bed.idle();

    expect(mailer.sent.at(-1)).toEqual({ kind: 'shardClosed', shardId: bed.shard('parent').shardId, confirmed: 2 });
    expect(bed.shard('parent')).toHaveCheckpointed('SHARD_END');
  });

  it('confirms again, with the same id, what a crash has kept from being checkpointed', async () => {
    await using bed = await open();
    const [record] = bed.shard().deliver(order(anOrder()));
    await bed.settle();

    await bed.shard().crash();
    await bed.idle();

    const recordIds = mailer.sent.map((mail) => mail.kind === 'confirmation' && mail.recordId);
    expect(recordIds).toEqual([record.id, record.id]);
  });
});
