/** Middleware, idempotency and the scope of an attempt as users test them: on the bed's clock, without a table. */
import {
  defineConsumer,
  dynamoDbStore,
  Idempotent,
  inject,
  injectable,
  KinesisConsumer,
  Lifecycle,
  LOGGER,
  OnRecord,
  recordHandler,
  RetryPolicy,
  Use,
  type IdempotencyStore,
  type Logger,
  type MiddlewareService,
  type Next,
  type RecordContext,
} from '@millrace/core';
import { describe, expect, it } from 'vitest';
import { handler } from '../src/handler.js';
import { check, toHaveDeduplicated, toHaveHandled, toHaveSkipped } from '../src/matchers.js';
import { records } from '../src/record-builders.js';
import { testBed } from '../src/test-bed.js';

interface Order {
  readonly id: string;
  readonly total: number;
}

@injectable()
class Ledger {
  constructor(@inject(LOGGER) private readonly log: Logger) {}

  book(order: Order): void {
    this.log.info({ total: order.total }, 'booked');
  }
}

@injectable()
class Timing implements MiddlewareService {
  async handle(context: RecordContext, next: Next): Promise<void> {
    await context.sleep(10);
    await next();
  }
}

@KinesisConsumer('orders', 'order-ledger')
@RetryPolicy({ attempts: 3 })
@Use(Timing, async (context: RecordContext, next) => {
  if (context.record.partitionKey === 'test') next.skip('a test order');
  else await next();
})
@Idempotent({ key: (order: Order) => order.id, store: dynamoDbStore({ tableName: 'never-asked' }) })
class OrderLedger {
  readonly booked: string[] = [];

  constructor(private readonly ledger: Ledger) {}

  @OnRecord()
  placed(order: unknown, context: RecordContext): void {
    const { id, total } = order as Order;
    if (total < 0 && context.attempt === 1) throw new Error('not yet');
    this.ledger.book({ id, total });
    this.booked.push(id);
  }
}

const order = (id: string, total = 1) => records.of({ id, total }, id);

describe('an idempotent consumer in a bed', () => {
  it('runs once for a key, needs no table, and runs again what failed', async () => {
    await using bed = await testBed(OrderLedger);

    const [first, again, other] = bed.shard().deliver(order('a'), order('a'), order('b', -1));
    await bed.idle();

    expect(bed.instance().booked).toEqual(['a', 'b']);
    check(toHaveHandled(bed, first, other));
    check(toHaveDeduplicated(bed, again));
    expect(bed.log.lines.find(({ message }) => message === 'booked')?.fields).toMatchObject({
      total: 1,
      recordId: first.id,
      handler: 'placed',
    });
  });

  it('knows what it has handled after a crash that came before the checkpoint', async () => {
    await using bed = await testBed(OrderLedger);
    const [record] = bed.shard().deliver(order('a'));
    await bed.advance(20);

    await bed.shard().crash();
    await bed.idle();

    expect(bed.instance().booked).toEqual([]);
    check(toHaveDeduplicated(bed, record));
  });

  it('skips what its middleware leaves out', async () => {
    await using bed = await testBed(OrderLedger);
    const [test] = bed.shard().deliver(records.of({ id: 'a', total: 1 }, 'test'));
    await bed.idle();
    check(toHaveSkipped(bed, test));
  });

  it('can be asked for one handler', async () => {
    const harness = handler(OrderLedger, 'placed');
    expect(await harness.run(order('a'))).toMatchObject({ kind: 'handled', elapsedMs: 10 });
    const test = records.of({ id: 'a', total: 1 }, 'test');
    expect(await harness.run(test)).toMatchObject({ kind: 'skipped' });
  });
});

describe('a key that another worker holds', () => {
  it('is waited for in virtual time', async () => {
    let freeAtMs = Number.POSITIVE_INFINITY;
    const store: IdempotencyStore = {
      acquire: async ({ nowMs }) => {
        if (freeAtMs === Number.POSITIVE_INFINITY) freeAtMs = nowMs + 30_000;
        return nowMs < freeAtMs ? { kind: 'inProgress', lockedUntilMs: freeAtMs } : { kind: 'acquired' };
      },
      complete: async () => true,
      release: () => Promise.resolve(),
      close: () => Promise.resolve(),
    };
    const consumer = defineConsumer({
      name: 'Ledger',
      stream: 'orders',
      applicationName: 'ledger',
      idempotent: { store: 'STORE' },
      handlers: [recordHandler({ name: 'all', handle: () => undefined })],
    });
    await using bed = await testBed(consumer, { overrides: [{ token: 'STORE', useValue: store }] });

    const [record] = bed.shard().deliver(order('a'));
    await bed.idle();

    check(toHaveHandled(bed, record));
    expect(bed.history.settled(record.id)?.attempts).toBe(1);
  });
});

describe('the scope of an attempt', () => {
  class UnitOfWork {
    static readonly open = new Set<UnitOfWork>();
    constructor() {
      UnitOfWork.open.add(this);
    }
    [Symbol.dispose](): void {
      UnitOfWork.open.delete(this);
    }
  }

  it('has services of its own that end with the handler', async () => {
    const units: UnitOfWork[] = [];
    const consumer = defineConsumer({
      name: 'Ledger',
      stream: 'orders',
      applicationName: 'ledger',
      handlers: [
        recordHandler({
          name: 'all',
          handle: async (_, context) => {
            units.push(await context.resolve(UnitOfWork), await context.resolve(UnitOfWork));
            expect(UnitOfWork.open.size).toBe(1);
          },
        }),
      ],
    });
    await using bed = await testBed(consumer, {
      register: (container) =>
        void container.register(UnitOfWork, { useClass: UnitOfWork }, { lifecycle: Lifecycle.ContainerScoped }),
    });

    const delivered = bed.shard().deliver(order('a'), order('b'));
    await bed.idle();

    check(toHaveHandled(bed, ...delivered));
    expect(new Set(units).size).toBe(2);
    expect(UnitOfWork.open.size).toBe(0);
  });
});
