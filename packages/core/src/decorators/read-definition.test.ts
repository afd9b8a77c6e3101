import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Batch, RecordContext, ShardContext } from '../definition/context.js';
import { defineConsumer, recordHandler } from '../definition/define-consumer.js';
import type { ConsumerClass, SinkDescription } from '../definition/definition.js';
import type { Middleware } from '../definition/middleware.js';
import { DefinitionError } from '../errors.js';
import { OnBatch, OnRecord } from './handlers.js';
import { OnInitialize, OnLeaseLost, OnShardEnd, OnShutdownRequested } from './hooks.js';
import { KinesisConsumer } from './kinesis-consumer.js';
import {
  CheckpointPolicy,
  CircuitBreaker,
  Concurrency,
  DeadLetter,
  Filter,
  Idempotent,
  RetryPolicy,
  Use,
} from './policies.js';
import { readDefinition } from './read-definition.js';

const parked: SinkDescription = {
  sink: 'millrace.sink',
  label: 'nowhere',
  durable: false,
  open: () => Promise.reject(new Error('definitions open nothing')),
};

class OrderPlaced {
  id!: string;
}
class OrderPlacedEarly extends OrderPlaced {}
const cancelled = z.object({ id: z.string() });

function issuesOf(target: unknown) {
  try {
    readDefinition(target as ConsumerClass);
  } catch (error) {
    if (error instanceof DefinitionError) return error.issues;
    throw error;
  }
  return [];
}
const codes = (target: unknown) => issuesOf(target).map(({ code }) => code);

@KinesisConsumer('orders', 'order-mailer', { discriminator: 'type' })
@CheckpointPolicy({ everyMs: 60_000, everyRecords: 500 })
@RetryPolicy({ attempts: 3 })
@DeadLetter(parked, { sameKey: 'hold' })
@Concurrency({ perShard: 8, maxInFlight: 100 })
@Filter([{ data: { total: [{ numeric: ['>', 0] }] } }, { partitionKey: ['vip'] }])
@Filter({ data: { type: ['placed'] } })
@CircuitBreaker({ openMs: 500 })
class OrderMailer {
  readonly calls: unknown[] = [];

  @OnRecord({ type: 'placed', schema: OrderPlaced })
  placed(order: OrderPlaced, context: RecordContext): void {
    this.calls.push(['placed', order.id, context.attempt]);
  }

  @OnRecord({ type: 'cancelled', schema: cancelled })
  @RetryPolicy({ attempts: 9, then: 'skip' })
  cancelled(order: z.infer<typeof cancelled>): void {
    this.calls.push(['cancelled', order.id]);
  }

  @OnRecord({ otherwise: true, decode: 'bytes' })
  @DeadLetter('other sink')
  rest(bytes: Uint8Array): void {
    this.calls.push(['rest', bytes.byteLength]);
  }

  @OnShardEnd()
  ended(context: ShardContext): void {
    this.calls.push(['ended', context.shardId]);
  }
}

describe('a decorated class', () => {
  it('gives the definition that defineConsumer gives for the same words', () => {
    const decorated = readDefinition(OrderMailer);
    const defined = defineConsumer({
      name: 'OrderMailer',
      stream: 'orders',
      applicationName: 'order-mailer',
      options: { discriminator: 'type' },
      checkpoint: { everyMs: 60_000, everyRecords: 500 },
      retry: { attempts: 3 },
      deadLetter: { sink: parked, sameKey: 'hold' },
      concurrency: { perShard: 8, maxInFlight: 100 },
      filter: [{ data: { total: [{ numeric: ['>', 0] }] } }, { partitionKey: ['vip'] }, { data: { type: ['placed'] } }],
      circuitBreaker: { openMs: 500 },
      handlers: [
        recordHandler({ name: 'placed', type: 'placed', schema: OrderPlaced, handle: () => undefined }),
        recordHandler({
          name: 'cancelled',
          type: 'cancelled',
          schema: cancelled,
          retry: { attempts: 9, then: 'skip' },
          handle: () => undefined,
        }),
        recordHandler({
          name: 'rest',
          otherwise: true,
          decode: 'bytes',
          deadLetter: { sink: 'other sink' },
          handle: () => undefined,
        }),
      ],
      hooks: { shardEnd: () => undefined },
    });
    const comparable = (value: unknown) =>
      JSON.parse(
        JSON.stringify(value, (key, inner: unknown) => (key === 'instance' || key === 'schema' ? undefined : inner)),
      ) as object;
    const withoutHookNames = (value: object) => ({ ...value, hooks: undefined });
    expect(withoutHookNames(comparable(decorated))).toEqual(withoutHookNames(comparable(defined)));
    expect(decorated.instance).toEqual({ kind: 'class', target: OrderMailer });
    expect(decorated.handlers[0]).toMatchObject({ schema: { kind: 'dto', target: OrderPlaced } });
    expect(decorated.handlers[1]).toMatchObject({ schema: { kind: 'standard', schema: cancelled } });
  });

  it('is read once', () => {
    expect(readDefinition(OrderMailer)).toBe(readDefinition(OrderMailer));
  });

  it('has its methods called on the instance', () => {
    const { handlers, hooks } = readDefinition(OrderMailer);
    const mailer = new OrderMailer();
    handlers[0]?.call(mailer, { id: '1' }, { attempt: 2 });
    handlers[2]?.call(mailer, new Uint8Array(3), {});
    hooks.shardEnd?.call(mailer, { shardId: 's-1' });
    expect(mailer.calls).toEqual([
      ['placed', '1', 2],
      ['rest', 3],
      ['ended', 's-1'],
    ]);
  });

  it('names the hook methods, and only the declared ones', () => {
    @KinesisConsumer('orders', 'all-hooks')
    class AllHooks {
      @OnRecord() record(_payload: unknown): void {}
      @OnInitialize() a(): void {}
      @OnLeaseLost() b(): void {}
      @OnShutdownRequested() c(): void {}
    }
    const { hooks } = readDefinition(AllHooks);
    expect([hooks.initialize?.name, hooks.leaseLost?.name, hooks.shutdownRequested?.name, hooks.shardEnd]).toEqual([
      'a',
      'b',
      'c',
      undefined,
    ]);
  });

  it('may stack handlers on a method, read from the top down, and use symbols as names', () => {
    const method = Symbol('either');
    @KinesisConsumer('orders', 'stacked', { discriminator: 'type' })
    class Stacked {
      @OnRecord({ type: 'a' })
      @OnRecord({ type: 'b' })
      [method](_payload: unknown): string {
        return 'handled';
      }
    }
    const { handlers } = readDefinition(Stacked);
    expect(handlers.map((handler) => [handler.name, handler.kind === 'record' && handler.type])).toEqual([
      ['Symbol(either)', 'a'],
      ['Symbol(either)', 'b'],
    ]);
    expect(handlers[0]?.call(new Stacked(), {}, {})).toBe('handled');
  });

  it('fails clearly when the container gives something else', () => {
    const { handlers } = readDefinition(OrderMailer);
    expect(() => handlers[0]?.call({}, {}, {})).toThrow(/without the method placed/);
  });
});

describe('inheritance', () => {
  abstract class Base {
    @OnRecord({ type: 'inherited' })
    inherited(_payload: unknown): string {
      return 'base';
    }
    @OnRecord({ type: 'replaced' })
    replaced(_payload: unknown): string {
      return 'base';
    }
    @OnShardEnd() end(): string {
      return 'base';
    }
    @OnInitialize() start(): string {
      return 'base';
    }
  }

  @KinesisConsumer('orders', 'derived', { discriminator: 'type' })
  class Derived extends Base {
    @OnRecord({ type: 'own' })
    own(_payload: unknown): string {
      return 'derived';
    }
    @OnRecord({ type: 'new type' })
    override replaced(_payload: unknown): string {
      return 'derived';
    }
    override inherited(_payload: unknown): string {
      return 'derived';
    }
    @OnShardEnd() finish(): string {
      return 'derived';
    }
  }

  it('routes own handlers before inherited ones, and a new declaration replaces the inherited', () => {
    const { handlers } = readDefinition(Derived);
    expect(handlers.map((handler) => handler.kind === 'record' && [handler.name, handler.type])).toEqual([
      ['own', 'own'],
      ['replaced', 'new type'],
      ['inherited', 'inherited'],
    ]);
  });

  it('keeps the declaration of an override without decorators, and calls the override', () => {
    const { handlers } = readDefinition(Derived);
    expect(handlers[2]?.call(new Derived(), {}, {})).toBe('derived');
  });

  it('lets an own hook replace the inherited, and inherits the others', () => {
    const { hooks } = readDefinition(Derived);
    expect(hooks.shardEnd?.call(new Derived(), {})).toBe('derived');
    expect(hooks.initialize?.call(new Derived(), {})).toBe('base');
  });

  it('inherits policies and the consumer itself, and the nearest wins', () => {
    @KinesisConsumer('orders', 'base')
    @CheckpointPolicy('record')
    @RetryPolicy({ attempts: 2 })
    @Filter({ partitionKey: ['base'] })
    class Consumer {
      @OnRecord() handle(_payload: unknown): void {}
    }
    @RetryPolicy({ attempts: 7 })
    @Filter({ partitionKey: ['double'] })
    class Double extends Consumer {
      @RetryPolicy({ attempts: 8 })
      override handle(_payload: unknown): void {}
    }
    expect(readDefinition(Double)).toMatchObject({
      name: 'Double',
      applicationName: 'base',
      checkpoint: { kind: 'record' },
      retry: { attempts: 7 },
      filter: [{ partitionKey: ['double'] }],
      handlers: [{ name: 'handle', retry: { attempts: 8 } }],
    });
    expect(readDefinition(Consumer).handlers[0]).toMatchObject({ retry: undefined });
  });

  it('refuses an override that is no method', () => {
    class Fields extends Derived {}
    Object.defineProperty(Fields.prototype, 'own', { value: 'text' });
    expect(codes(Fields)).toEqual(['NOT_A_METHOD']);
  });
});

describe('parameters', () => {
  it('reports a class that nothing makes of the payload', () => {
    @KinesisConsumer('orders', 'dto')
    class Unchecked {
      // The types refuse this; JavaScript and casts do not.
      @(OnRecord() as MethodDecorator) placed(_payload: OrderPlaced): void {}
    }
    expect(issuesOf(Unchecked)).toEqual([
      {
        code: 'DTO_PARAMETER_WITHOUT_SCHEMA',
        path: ['Unchecked', 'placed'],
        message:
          'Unchecked.placed (@OnRecord): the parameter is OrderPlaced, but nothing makes one of the payload: ' +
          'it would be a plain, unchecked object. Say { schema: OrderPlaced }.',
      },
    ]);
  });

  it('reports a parameter of another class than the schema', () => {
    class Other {}
    @KinesisConsumer('orders', 'mismatch')
    class Mismatch {
      @(OnRecord({ schema: OrderPlaced }) as MethodDecorator) placed(_payload: Other): void {}
    }
    @KinesisConsumer('orders', 'mismatch')
    class Text {
      @(OnRecord({ schema: OrderPlaced }) as MethodDecorator) placed(_payload: string): void {}
    }
    @KinesisConsumer('orders', 'mismatch')
    class TooNarrow {
      @(OnRecord({ schema: OrderPlaced }) as MethodDecorator) placed(_payload: OrderPlacedEarly): void {}
    }
    expect([Mismatch, Text, TooNarrow].map(codes)).toEqual([
      ['PARAMETER_MISMATCH'],
      ['PARAMETER_MISMATCH'],
      ['PARAMETER_MISMATCH'],
    ]);
  });

  it('accepts what can be right', () => {
    @KinesisConsumer('orders', 'fine', { discriminator: 'type' })
    class Fine {
      @OnRecord({ type: 'a', schema: OrderPlacedEarly }) base(_payload: OrderPlaced): void {}
      @OnRecord({ type: 'b', decode: () => new OrderPlaced() }) decoded(_payload: OrderPlaced): void {}
      @OnRecord({ type: 'c', decode: 'text' }) text(_payload: string): void {}
      @OnRecord({ type: 'd', decode: 'bytes' }) bytes(_payload: Uint8Array): void {}
      @OnRecord({ type: 'e', schema: z.instanceof(OrderPlaced) }) instance(_payload: OrderPlaced): void {}
      @OnRecord({ type: 'f', schema: z.object({}) }) shape(_payload: object): void {}
      @OnRecord({ otherwise: true }) none(): void {}
    }
    @KinesisConsumer('orders', 'fine', { decode: () => new OrderPlaced() })
    class ConsumerDecodes {
      @(OnRecord() as MethodDecorator) placed(_payload: OrderPlaced): void {}
    }
    @KinesisConsumer('orders', 'fine', () => ({ decode: () => new OrderPlaced() }))
    class EnvironmentDecodes {
      @(OnRecord() as MethodDecorator) placed(_payload: OrderPlaced): void {}
    }
    @KinesisConsumer('orders', 'fine')
    class Batches {
      @OnBatch({ schema: OrderPlaced }) insert(_payload: Batch<OrderPlaced>): void {}
    }
    expect([Fine, ConsumerDecodes, EnvironmentDecodes, Batches].flatMap(codes)).toEqual([]);
  });
});

describe('what decorators cannot stand on', () => {
  const onMember = (decorate: (member: never) => void) => {
    @KinesisConsumer('orders', 'wrong')
    class Wrong {
      @OnRecord() fine(_payload: unknown): void {}
      static onClass(_payload: unknown): void {}
      field = 1;
      get accessor(): number {
        return 1;
      }
    }
    decorate(Wrong as never);
    return issuesOf(Wrong).map(({ code, message }) => `${code} ${message}`);
  };
  type AnyDecorator = (...target: unknown[]) => void;
  const onRecord = OnRecord({ otherwise: true }) as AnyDecorator;
  const methodOf = (target: { prototype: object }, name: string) =>
    Object.getOwnPropertyDescriptor(target.prototype, name);

  it.each<[string, (target: { prototype: object }) => void, string]>([
    ['a static method', (target) => onRecord(target, 'onClass', {}), 'STATIC_HANDLER Wrong.onClass (@OnRecord)'],
    ['a field', (target) => onRecord(target.prototype, 'field'), 'NOT_A_METHOD Wrong.field (@OnRecord)'],
    [
      'an accessor',
      (target) => onRecord(target.prototype, 'accessor', methodOf(target, 'accessor')),
      'NOT_A_METHOD Wrong.accessor (@OnRecord)',
    ],
    ['a parameter', (target) => onRecord(target.prototype, 'fine', 0), 'NOT_A_METHOD Wrong.fine (@OnRecord)'],
    ['a class', (target) => onRecord(target), 'NOT_A_METHOD Wrong.constructor (@OnRecord)'],
    [
      'a hook on a field',
      (target) => (OnShardEnd() as AnyDecorator)(target.prototype, 'field'),
      'NOT_A_METHOD Wrong.field (@OnShardEnd)',
    ],
  ])('%s', (_, decorate, expected) => {
    expect(onMember(decorate as never)[0]).toContain(expected);
  });

  it('a policy on a method that handles no records', () => {
    @KinesisConsumer('orders', 'policy')
    class Policy {
      @OnRecord() fine(_payload: unknown): void {}
      @RetryPolicy({ attempts: 1 }) notAHandler(): void {}
    }
    expect(codes(Policy)).toEqual(['POLICY_WITHOUT_HANDLER']);
  });

  it('the same place twice', () => {
    @KinesisConsumer('orders', 'twice')
    @KinesisConsumer('orders', 'twice')
    @CheckpointPolicy('batch')
    @CheckpointPolicy('record')
    class Twice {
      @OnRecord() @RetryPolicy({}) @RetryPolicy({}) fine(_payload: unknown): void {}
      @OnShardEnd() first(): void {}
      @OnShardEnd() second(): void {}
    }
    expect(issuesOf(Twice).map(({ code, path }) => [code, ...path])).toEqual([
      ['DUPLICATE_DECLARATION', 'Twice', 'fine'],
      ['DUPLICATE_HOOK', 'Twice', 'second'],
      ['DUPLICATE_DECLARATION', 'Twice'],
      ['DUPLICATE_DECLARATION', 'Twice'],
    ]);
  });
});

describe('what is no consumer', () => {
  it.each<[unknown, RegExp]>([
    [class Plain {}, /Plain: the class has no @KinesisConsumer/],
    ['OrderMailer', /'OrderMailer': this is no class/],
    [undefined, /undefined: this is no class/],
  ])('%s', (target, message) => {
    expect(issuesOf(target)).toMatchObject([
      { code: 'DECORATOR_WITHOUT_CONSUMER', message: expect.stringMatching(message) as string },
    ]);
  });
});

describe('standard decorators, which this package does not serve yet', () => {
  const context = { kind: 'method', name: 'placed', private: false, addInitializer: () => undefined };

  it.each([
    ['@OnRecord', OnRecord(), context],
    ['@KinesisConsumer', KinesisConsumer('s', 'a'), { ...context, kind: 'class' }],
    ['@CheckpointPolicy', CheckpointPolicy('batch'), { ...context, kind: 'class' }],
    ['@RetryPolicy', RetryPolicy({}), context],
  ])('%s says which compiler options are missing', (_, decorator, given) => {
    const apply = decorator as unknown as (value: unknown, context: unknown) => void;
    expect(() => apply(() => undefined, given)).toThrow(/STANDARD_DECORATORS.*"experimentalDecorators": true/);
  });

  it('name a private method as such', () => {
    const apply = OnRecord() as unknown as (value: unknown, context: unknown) => void;
    expect(() => apply(() => undefined, { ...context, name: '#placed', private: true })).toThrow(
      /PRIVATE_HANDLER.*public: placed/,
    );
  });

  it('a class decorator on something else is refused', () => {
    const apply = KinesisConsumer('s', 'a') as unknown as (value: unknown) => void;
    expect(() => apply({})).toThrow(/does not stand on a class/);
  });
});

describe('two copies of this package in one program', () => {
  it('share what was declared', async () => {
    const specifier = './store.js?copy=2';
    const { ownDeclarations } = (await import(specifier)) as typeof import('./store.js');
    expect(ownDeclarations(OrderMailer).map(({ kind }) => kind)).toContain('consumer');
  });
});

describe('middleware and idempotency', () => {
  const trace: Middleware = (_, next) => next();
  const audit: Middleware = (_, next) => next();
  const namesOf = (target: unknown) =>
    readDefinition(target as ConsumerClass).handlers.map(({ use }) => use.map(({ name }) => name));

  it("stand on the class and on methods, the class's outside", () => {
    @KinesisConsumer('orders', 'mailer', { discriminator: 'type' })
    @Use(trace, 'METRICS')
    @Idempotent({ store: 'STORE' })
    class Mailer {
      @OnRecord({ type: 'placed' })
      @Use(audit)
      @Idempotent({ store: 'OTHER', key: (order: { id: string }) => order.id })
      placed(): void {}

      @OnRecord({ otherwise: true })
      rest(): void {}
    }
    class Inherited extends Mailer {}

    expect(namesOf(Mailer)).toEqual([
      ['trace', 'METRICS', 'audit'],
      ['trace', 'METRICS'],
    ]);
    expect(namesOf(Inherited)).toEqual(namesOf(Mailer));
    expect(readDefinition(Mailer).handlers).toMatchObject([
      { idempotent: { store: { token: 'OTHER' } } },
      { idempotent: { store: { token: 'STORE' } } },
    ]);
  });

  it('stand once in one place, and only on handlers', () => {
    @KinesisConsumer('orders', 'mailer')
    @Use(trace)
    @Use(audit)
    class Mailer {
      @OnRecord()
      all(): void {}

      @Use(trace)
      @Idempotent({ store: 'STORE' })
      helper(): void {}
    }
    expect(codes(Mailer)).toEqual(
      ['DUPLICATE_DECLARATION', 'POLICY_WITHOUT_HANDLER', 'POLICY_WITHOUT_HANDLER'].toSorted((a, b) =>
        a < b ? 1 : -1,
      ),
    );
  });
});
