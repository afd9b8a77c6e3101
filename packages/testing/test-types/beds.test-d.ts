import {
  KinesisConsumer,
  OnBatch,
  OnRecord,
  type Batch,
  type ConsumerDefinition,
  type RecordContext,
} from '@millrace/core';
import {
  handler,
  override,
  records,
  testBed,
  type BatchOutcome,
  type DeliveredRecord,
  type HandlerOutcome,
  type TestBed,
} from '@millrace/testing';
import '@millrace/testing/vitest';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { z } from 'zod';

const Order = z.object({ id: z.string() });
type Order = z.infer<typeof Order>;

class Mailer {
  readonly #connection = 'smtp';
  protected readonly retries = 3;
  send(to: string): string {
    return to + this.#connection + this.retries;
  }
}

@KinesisConsumer('orders', 'mails')
class Mails {
  readonly count: number = 0;
  @OnRecord({ schema: Order })
  placed(order: Order, context: RecordContext): void {
    context.log.info(order, 'placed');
  }
}

@KinesisConsumer('rows', 'rows')
class Rows {
  @OnBatch({ schema: Order })
  insert(batch: Batch<Order>): void {
    for (const item of batch) item.fail(new Error(item.value.id));
  }
}

declare const bed: TestBed<Mails>;
declare const definition: ConsumerDefinition;

describe('a bed', () => {
  it('knows the class of its consumer', () => {
    expectTypeOf(testBed(Mails)).resolves.toEqualTypeOf<TestBed<Mails>>();
    expectTypeOf(bed.instance()).toEqualTypeOf<Mails>();
    expectTypeOf(bed.resolve(Mailer)).toEqualTypeOf<Mailer>();
  });

  it('gives single records back one for one', () => {
    const [one, two] = bed.shard().deliver(records.of({ id: 'a' }), records.text('b'));
    expectTypeOf(one).toEqualTypeOf<DeliveredRecord>();
    expectTypeOf(two).toEqualTypeOf<DeliveredRecord>();
    // @ts-expect-error -- only one was delivered
    const [, third] = bed.shard().deliver(records.of(1));
    expectTypeOf(third).toBeUndefined();
  });

  it('gives the user records of an aggregate back as a list', () => {
    const [first] = bed.shard().deliver(records.kpl(records.of(1), records.of(2)));
    expectTypeOf(first).toEqualTypeOf<DeliveredRecord | undefined>();
  });
});

describe('a handler', () => {
  it('has a name and a payload', () => {
    expectTypeOf(handler(Mails, 'placed').run({ id: 'o-1' })).resolves.toEqualTypeOf<HandlerOutcome>();
    // @ts-expect-error -- no such method
    handler(Mails, 'nothing');
    // @ts-expect-error -- no handler: it is no method
    handler(Mails, 'count');
    // @ts-expect-error -- no order
    void handler(Mails, 'placed').run({ id: 1 });
    void handler(Mails, 'placed').run(records.of({ id: 1 }));
  });

  it('of batches takes a list of payloads', () => {
    expectTypeOf(handler(Rows, 'insert').run([{ id: 'o-1' }])).resolves.toEqualTypeOf<BatchOutcome>();
    // @ts-expect-error -- a list
    void handler(Rows, 'insert').run({ id: 'o-1' });
  });

  it('of a consumer that is data takes anything', () => {
    void handler(definition, 'placed').run({ whatever: 1 });
  });
});

describe('a stand-in', () => {
  it('has what the service has in public, and needs nothing private', () => {
    override(Mailer).with({ send: (to) => to });
    override<Mailer>('MAILER').withFactory(() => ({ send: (to) => to }));
    // @ts-expect-error -- send is missing
    override(Mailer).with({});
    // @ts-expect-error -- send returns text
    override(Mailer).with({ send: () => 1 });
  });
});

describe('the matchers', () => {
  it('take records', () => {
    const [record] = bed.shard().deliver(records.of(1));
    expect(bed).toHaveHandled(record);
    expect(bed).toHaveParked(record, { attempts: 3, reason: /refused/ });
    expect(bed.shard()).toHaveCheckpointed('SHARD_END');
    // @ts-expect-error -- a record
    expect(bed).toHaveHandled('o-1');
    // @ts-expect-error -- a record or the end
    expect(bed).toHaveCheckpointed('TRIM_HORIZON');
  });
});
