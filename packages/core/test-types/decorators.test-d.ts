import { type } from 'arktype';
import * as v from 'valibot';
import { describe, expectTypeOf, it } from 'vitest';
import { z } from 'zod';
import type {
  Batch,
  BatchContext,
  RecordContext,
  ShardContext,
  ShutdownContext,
  WindowContext,
  WindowRecordContext,
} from '../src/definition/context.js';
import type { SinkDescription } from '../src/definition/definition.js';
import type { HandlerContext, Next } from '../src/definition/middleware.js';
import type { Decoded, Payload } from '../src/definition/payload.js';
import { OnBatch, OnRecord, OnWindow } from '../src/decorators/handlers.js';
import { OnInitialize, OnLeaseLost, OnShardEnd, OnShutdownRequested } from '../src/decorators/hooks.js';
import { KinesisConsumer } from '../src/decorators/kinesis-consumer.js';
import {
  CheckpointPolicy,
  CircuitBreaker,
  DeadLetter,
  Idempotent,
  RetryPolicy,
  Use,
} from '../src/decorators/policies.js';

class OrderPlaced {
  id!: string;
  total!: number;
}
class OrderCancelled {
  reason!: string;
}
class NeedsAnId {
  constructor(readonly id: string) {}
}
interface OrderLike {
  id: string;
}
const zodOrder = z.object({ id: z.string(), total: z.number() });
const valibotOrder = v.object({ id: v.string() });
const arktypeOrder = type({ id: 'string' });
const countsText = z.string().transform((text) => text.length);
declare const sink: SinkDescription;

describe('the payload of a handler', () => {
  it('is what the schema gives, else what decode gives', () => {
    expectTypeOf<Payload<typeof zodOrder, undefined>>().toEqualTypeOf<{ id: string; total: number }>();
    expectTypeOf<Payload<typeof valibotOrder, undefined>>().toEqualTypeOf<{ id: string }>();
    expectTypeOf<Payload<typeof arktypeOrder, undefined>>().toEqualTypeOf<{ id: string }>();
    expectTypeOf<Payload<typeof countsText, 'text'>>().toEqualTypeOf<number>();
    expectTypeOf<Payload<typeof OrderPlaced, undefined>>().toEqualTypeOf<OrderPlaced>();
    expectTypeOf<Payload<undefined, undefined>>().toEqualTypeOf<unknown>();
    expectTypeOf<Decoded<'json'>>().toEqualTypeOf<unknown>();
    expectTypeOf<Decoded<'text'>>().toEqualTypeOf<string>();
    expectTypeOf<Decoded<'bytes'>>().toEqualTypeOf<Uint8Array>();
    expectTypeOf<Decoded<() => OrderLike>>().toEqualTypeOf<OrderLike>();
    expectTypeOf<Decoded<() => Promise<OrderLike>>>().toEqualTypeOf<OrderLike>();
  });
});

describe('windows', () => {
  it('type the state from its factory, and emit as a function or as a method of the class', () => {
    class Fits {
      @OnWindow({ everyMs: 1_000, state: () => new Map<string, number>(), emit: 'total', schema: zodOrder })
      byMethod(order: z.infer<typeof zodOrder>, context: WindowRecordContext<Map<string, number>>): void {
        context.state.set(order.id, order.total);
      }
      total(totals: Map<string, number>, context: WindowContext): void {
        expectTypeOf(context.closedBy).toEqualTypeOf<'record' | 'clock' | 'shardEnd'>();
        totals.clear();
      }
      @OnWindow({ everyMs: 1_000, state: () => 0, emit: (count) => void count.toFixed() })
      byFunction(_: unknown, context: WindowRecordContext<number>): void {
        context.state += 1;
      }
    }
    expectTypeOf(Fits).toBeConstructibleWith();
  });

  it('do not compile when emit takes another state, or is no method', () => {
    class Wrong {
      // @ts-expect-error the state is a number
      @OnWindow({ everyMs: 1_000, state: () => 0, emit: 'takesText' }) a(_payload: unknown): void {}
      takesText(_state: string): void {}
      // @ts-expect-error there is no such method
      @OnWindow({ everyMs: 1_000, state: () => 0, emit: 'nowhere' }) b(_payload: unknown): void {}
    }
    expectTypeOf(Wrong).toBeConstructibleWith();
  });
});

describe('what compiles', () => {
  it('handlers whose parameter fits', () => {
    @KinesisConsumer('orders', 'mailer', { discriminator: 'type', initialPositionInStream: 'TRIM_HORIZON' })
    @CheckpointPolicy({ everyMs: 60_000, everyRecords: 500 })
    @RetryPolicy({ attempts: 5, then: 'deadLetter' })
    @DeadLetter(sink, { sameKey: 'hold' })
    class Fits {
      @OnRecord({ schema: zodOrder }) zod(_payload: z.infer<typeof zodOrder>): void {}
      @OnRecord({ schema: valibotOrder }) valibot(_payload: v.InferOutput<typeof valibotOrder>): void {}
      @OnRecord({ schema: arktypeOrder }) arktype(_payload: typeof arktypeOrder.infer): void {}
      @OnRecord({ schema: OrderPlaced }) async dto(_payload: OrderPlaced, context: RecordContext): Promise<void> {
        expectTypeOf(context.attempt).toEqualTypeOf<number>();
      }
      @OnRecord({ schema: OrderPlaced }) wider(_payload: OrderLike): void {}
      @OnRecord({ schema: OrderPlaced }) widest(_payload: unknown): void {}
      @OnRecord({ schema: OrderPlaced }) none(): void {}
      @OnRecord({ decode: 'text' }) text(_payload: string): void {}
      @OnRecord({ decode: 'bytes' }) bytes(_payload: Uint8Array): void {}
      @OnRecord({ decode: (bytes) => bytes.byteLength }) decoded(_payload: number): void {}
      @OnRecord() json(_payload: unknown): void {}
      @OnRecord({ otherwise: true }) returnsWhatItLikes(_payload: unknown): Promise<number> {
        return Promise.resolve(1);
      }
      @OnRecord({ type: 'a', when: (payload) => payload !== null }) routed(_payload: unknown): void {}
      @OnRecord({ decode: 'text', when: (text, record) => text.length > record.partitionKey.length }) typed(
        _payload: string,
      ): void {}
      @OnRecord({ schema: zodOrder, key: (order) => order.id }) keyed(_payload: OrderLike): void {}
      @RetryPolicy({ attempts: 1 }) @DeadLetter('token') @OnRecord() policies(_payload: unknown): void {}
      @OnBatch({ schema: zodOrder, maxItems: 500, maxWaitMs: 2_000, order: 'strict', bisect: true }) async batch(
        batch: Batch<OrderLike>,
        _context: BatchContext,
      ): Promise<void> {
        batch[0]?.fail(new Error(batch[0].value.id));
      }
      @OnInitialize() start(_payload: ShardContext): void {}
      @OnShardEnd() async end(): Promise<void> {}
      @OnLeaseLost() lost(): void {}
      @OnShutdownRequested() stop({ reason }: ShutdownContext): void {
        expectTypeOf(reason).toEqualTypeOf<'handoff' | 'workerStopping'>();
      }
    }
    @RetryPolicy({ attempts: 2 })
    @CheckpointPolicy('manual')
    abstract class Base {}
    @KinesisConsumer('orders', 'injected', (env) => ({ workerId: env['HOSTNAME'] ?? 'local' }))
    class Injected extends Base {
      constructor(readonly service: OrderPlaced) {
        super();
      }
    }
    expectTypeOf([Fits, Injected]).toBeObject();
  });
});

describe('what must not compile', () => {
  it('a parameter that does not fit the schema', () => {
    class Wrong {
      // @ts-expect-error zod gives an object
      @OnRecord({ schema: zodOrder }) zod(_payload: string): void {}
      // @ts-expect-error the schema has no reason
      @OnRecord({ schema: zodOrder }) property(_payload: { reason: string }): void {}
      // @ts-expect-error valibot gives no total
      @OnRecord({ schema: valibotOrder }) valibot(_payload: { id: string; total: number }): void {}
      // @ts-expect-error arktype gives a text
      @OnRecord({ schema: arktypeOrder }) arktype(_payload: { id: number }): void {}
      // @ts-expect-error another DTO
      @OnRecord({ schema: OrderPlaced }) dto(_payload: OrderCancelled): void {}
      // @ts-expect-error a schema's output counts, not its input
      @OnRecord({ schema: countsText }) output(_payload: string): void {}
      // @ts-expect-error a batch handler gets items, not values
      @OnBatch({ schema: zodOrder }) batch(_payload: z.infer<typeof zodOrder>[]): void {}
      // @ts-expect-error items of another type
      @OnBatch({ schema: zodOrder }) items(_payload: Batch<OrderCancelled>): void {}
    }
    expectTypeOf(Wrong).toBeObject();
  });

  it('a parameter that does not fit what decode gives', () => {
    class Wrong {
      // @ts-expect-error unchecked JSON is unknown
      @OnRecord() json(_payload: OrderPlaced): void {}
      // @ts-expect-error unchecked JSON is unknown, said or not
      @OnRecord({ decode: 'json' }) said(_payload: OrderLike): void {}
      // @ts-expect-error text is a string
      @OnRecord({ decode: 'text' }) text(_payload: number): void {}
      // @ts-expect-error bytes are a Uint8Array
      @OnRecord({ decode: 'bytes' }) bytes(_payload: string): void {}
      // @ts-expect-error the function gives a number
      @OnRecord({ decode: (bytes) => bytes.byteLength }) decoded(_payload: string): void {}
    }
    expectTypeOf(Wrong).toBeObject();
  });

  it('a handler without an annotated parameter', () => {
    class Wrong {
      // @ts-expect-error the parameter has no type, and legacy decorators cannot give it one
      @OnRecord({ schema: zodOrder }) bare(order): void {
        expectTypeOf(order).toBeAny();
      }
    }
    expectTypeOf(Wrong).toBeObject();
  });

  it('a second parameter that is not the context, or a third', () => {
    class Wrong {
      // @ts-expect-error a record handler gets a RecordContext
      @OnRecord() context(_payload: unknown, _second: string): void {}
      // @ts-expect-error there is no third argument
      @OnRecord() third(_payload: unknown, _second: RecordContext, _third: number): void {}
      // @ts-expect-error a hook gets no record
      @OnShardEnd() hook(_payload: RecordContext): void {}
    }
    expectTypeOf(Wrong).toBeObject();
  });

  it('a batch handler that returns something', () => {
    class Wrong {
      // @ts-expect-error failed items are marked with fail(), not returned
      @OnBatch() sync(_payload: Batch<unknown>): string[] {
        return [];
      }
      // @ts-expect-error neither later
      @OnBatch() async later(_payload: Batch<unknown>): Promise<number> {
        return 1;
      }
    }
    expectTypeOf(Wrong).toBeObject();
  });

  it('a decorator in the wrong place', () => {
    // @ts-expect-error a handler is a method
    @OnRecord()
    class OnClass {
      // @ts-expect-error not a field
      @OnRecord() field = 1;
      // @ts-expect-error not an arrow function in a field
      @OnRecord() arrow = (_payload: unknown): void => undefined;
      // @ts-expect-error not an accessor
      @OnRecord() get accessor(): number {
        return 1;
      }
      // @ts-expect-error not static
      @OnRecord() static onStatic(_payload: unknown): void {}
      // @ts-expect-error not private: tests and the runtime call it
      @OnRecord() private hidden(_payload: unknown): void {}
      // @ts-expect-error not protected
      @OnRecord() protected shielded(_payload: unknown): void {}
      // @ts-expect-error a consumer is a class
      @KinesisConsumer('a', 'b') method(): void {}
      // @ts-expect-error the checkpoint policy is the consumer's
      @CheckpointPolicy('record') policy(): void {}
      // @ts-expect-error not a field
      @RetryPolicy({ attempts: 1 }) retried = 1;
      // @ts-expect-error not static
      @DeadLetter(sink) static parked(): void {}
      // @ts-expect-error not a static hook
      @OnShardEnd() static end(): void {}
    }
    // @ts-expect-error nothing can construct it
    @KinesisConsumer('orders', 'abstract')
    abstract class Abstract {}
    expectTypeOf([OnClass, Abstract]).toBeObject();
  });

  it('options that do not exist, have the wrong type, or exclude each other', () => {
    // @ts-expect-error misspelled
    OnRecord({ shema: zodOrder });
    // @ts-expect-error no such decoder
    OnRecord({ decode: 'xml' });
    // @ts-expect-error a schema is a Standard Schema or a class
    OnRecord({ schema: { type: 'object' } });
    // @ts-expect-error a DTO is built without arguments
    OnRecord({ schema: NeedsAnId });
    // @ts-expect-error otherwise takes what no type takes
    OnRecord({ otherwise: true, type: 'a' });
    // @ts-expect-error otherwise takes what no when takes
    OnRecord({ otherwise: true, when: () => true });
    // @ts-expect-error the types of routing are texts
    OnRecord({ type: 3 });
    // @ts-expect-error a predicate must not wait
    OnRecord({ when: async () => true });
    // @ts-expect-error unchecked JSON has no known properties
    OnRecord({ when: (payload) => payload.type === 'a' });
    // @ts-expect-error a batch is not routed
    OnBatch({ type: 'a' });
    // @ts-expect-error no such order
    OnBatch({ order: 'loose' });
    // @ts-expect-error a number of items
    OnBatch({ maxItems: '500' });
    // @ts-expect-error milliseconds
    OnBatch({ maxWaitMs: '2s' });
    // @ts-expect-error a flag
    OnBatch({ bisect: 'yes' });
    // @ts-expect-error single records do not gather
    OnRecord({ maxWaitMs: 500 });
    // @ts-expect-error no such policy
    CheckpointPolicy('always');
    // @ts-expect-error misspelled
    RetryPolicy({ attemps: 5 });
    // @ts-expect-error no such end
    RetryPolicy({ then: 'drop' });
    RetryPolicy({ overrides: [{ error: RangeError, attempts: 9 }, { error: 'ECONNRESET' }] });
    RetryPolicy({ overrides: [{ error: ({ message }) => message === '', retryable: false, then: 'skip' }] });
    // @ts-expect-error what is thrown and is no error is wrapped
    RetryPolicy({ overrides: [{ error: Map }] });
    // @ts-expect-error errors are retryable unless something says otherwise
    RetryPolicy({ overrides: [{ error: 'X', retryable: true }] });
    // @ts-expect-error of which error
    RetryPolicy({ overrides: [{ attempts: 9 }] });
    CircuitBreaker({ failureRate: 0.2, only: (error) => error.name === 'TimeoutError' });
    // @ts-expect-error a promise is no answer
    CircuitBreaker({ only: async () => true });
    // @ts-expect-error a sink that is open already is no description
    DeadLetter({ durable: true, write: async () => undefined, close: async () => undefined });
    // @ts-expect-error no such choice
    DeadLetter(sink, { sameKey: 'park' });
    // @ts-expect-error properties are typed
    KinesisConsumer('orders', 'mailer', { initialPositionInStream: 'OLDEST' });
    // @ts-expect-error property names are known
    KinesisConsumer('orders', 'mailer', { initialPositonInStream: 'LATEST' });
    // @ts-expect-error the application has a name
    KinesisConsumer('orders');
  });
});

describe('middleware and idempotency', () => {
  class Tracing {
    async handle(context: RecordContext, next: Next): Promise<void> {
      context.log.debug({ id: context.record.id }, 'in');
      await next();
    }
  }

  it('take functions of either context, classes that handle, and tokens', () => {
    Use(
      (context, next) => {
        expectTypeOf(context).toEqualTypeOf<HandlerContext>();
        return next();
      },
      async (context: RecordContext, next) => (context.record.id === '' ? next.skip('empty') : next()),
      async (_context: BatchContext, next) => next(),
      Tracing,
      'token',
      Symbol('token'),
    );
    Idempotent({ store: 'STORE', key: (order: OrderPlaced, record) => `${order.id} ${record.id}` });
    Idempotent({ store: 'STORE', key: (_, record) => record.partitionKey });
  });

  it('do not compile when they are something else', () => {
    // @ts-expect-error a service is made by the container
    Use(new Tracing());
    // @ts-expect-error the class handles nothing
    Use(OrderPlaced);
    // @ts-expect-error a hook's context is none of a handler
    Use((context: ShutdownContext, next) => next());
    // @ts-expect-error a reason is needed: it stands in the log
    Use((_, next) => next.skip());
    // @ts-expect-error without a store nothing is remembered
    Idempotent({});
    // @ts-expect-error an unchecked payload has no known properties
    Idempotent({ store: 'STORE', key: (order) => order.id });
    // @ts-expect-error a key is a text
    Idempotent({ store: 'STORE', key: () => 1 });
  });
});
