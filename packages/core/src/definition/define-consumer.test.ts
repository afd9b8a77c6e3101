import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { DefinitionError } from '../errors.js';
import type { Scope } from '../ports.js';
import { batchHandler, defineConsumer, type ConsumerData, recordHandler } from './define-consumer.js';
import type { SinkDescription } from './definition.js';

const parked: SinkDescription = {
  sink: 'millrace.sink',
  label: 'nowhere',
  durable: false,
  open: () => Promise.reject(new Error('definitions open nothing')),
};
class Order {
  id!: string;
}
const all = recordHandler({ name: 'all', handle: () => undefined });
const base = {
  name: 'Mailer',
  stream: 'orders',
  applicationName: 'mailer',
  handlers: [all],
} satisfies ConsumerData<object>;

/** What JavaScript callers can write, whatever the types say. */
const handler = (options: Record<string, unknown>) =>
  recordHandler({ name: 'placed', handle: () => undefined, ...options });
const define = (data: Record<string, unknown>) => defineConsumer({ ...base, ...data });

function mistakes(
  data: Record<string, unknown>,
): readonly { code: string; message: string; path: readonly string[] }[] {
  try {
    define(data);
  } catch (error) {
    if (error instanceof DefinitionError) return error.issues;
    throw error;
  }
  return [];
}
const codes = (data: Record<string, unknown>) => mistakes(data).map(({ code }) => code);

describe('a defined consumer', () => {
  it('has every default filled in', () => {
    const definition = defineConsumer(base);
    expect(definition).toMatchObject({
      name: 'Mailer',
      stream: 'orders',
      applicationName: 'mailer',
      options: { kind: 'fixed', options: {} },
      checkpoint: { kind: 'periodic', everyMs: 5000, everyRecords: undefined },
      retry: {
        attempts: 5,
        initialDelayMs: 200,
        maxDelayMs: 30_000,
        factor: 2,
        timeoutMs: 60_000,
        maxRecordAgeMs: undefined,
        then: 'hold',
        overrides: [],
      },
      deadLetter: undefined,
      hooks: { initialize: undefined, shardEnd: undefined, leaseLost: undefined, shutdownRequested: undefined },
      handlers: [{ kind: 'record', name: 'all', otherwise: false, retry: undefined, deadLetter: undefined }],
    });
  });

  it('is frozen, with everything of ours in it', () => {
    const definition = defineConsumer({ ...base, hooks: { shardEnd: () => undefined }, deadLetter: { sink: parked } });
    const parts = [
      definition,
      definition.options,
      definition.handlers,
      definition.handlers[0],
      definition.hooks,
      definition.hooks.shardEnd,
      definition.checkpoint,
      definition.retry,
      definition.deadLetter,
      definition.instance,
    ];
    expect(parts.filter((part) => !Object.isFrozen(part))).toEqual([]);
  });

  it('keeps a copy of the options, or the function that gives them', () => {
    const options = { discriminator: 'type' };
    const fixed = defineConsumer({ ...base, options });
    options.discriminator = 'changed later';
    const fromEnvironment = () => ({});
    expect(fixed.options).toEqual({ kind: 'fixed', options: { discriminator: 'type' } });
    expect(defineConsumer({ ...base, options: fromEnvironment }).options).toEqual({
      kind: 'environment',
      options: fromEnvironment,
    });
  });

  it('calls handlers and hooks with the instance that create made', async () => {
    const calls: unknown[] = [];
    const definition = defineConsumer({
      ...base,
      create: async (scope: Scope) => ({ db: await scope.resolve<string>('db') }),
      handlers: [
        recordHandler({
          name: 'placed',
          schema: z.object({ id: z.string() }),
          handle: (order, _context, instance: { db: string }) => calls.push([order.id, instance.db]),
        }),
      ],
      hooks: { shutdownRequested: ({ reason }, { db }) => calls.push([reason, db]) },
    });
    const scope: Scope = {
      resolve: (token) => Promise.resolve(`the ${String(token)}` as never),
      dispose: () => Promise.resolve(),
    };
    const instance = definition.instance.kind === 'factory' ? await definition.instance.create(scope) : {};
    definition.handlers[0]?.call(instance, { id: '7' }, {});
    definition.hooks.shutdownRequested?.call(instance, { reason: 'handoff' });
    expect(calls).toEqual([
      ['7', 'the db'],
      ['handoff', 'the db'],
    ]);
  });

  it('gets an empty instance without create', async () => {
    const { instance } = defineConsumer(base);
    expect(instance.kind === 'factory' && (await instance.create({} as Scope))).toEqual({});
  });

  it('takes a batch handler', () => {
    const item = v.object({ id: v.string() });
    const definition = defineConsumer({
      ...base,
      handlers: [batchHandler({ name: 'insert', schema: item, order: 'strict', handle: async () => undefined })],
    });
    expect(definition.handlers).toMatchObject([
      { kind: 'batch', name: 'insert', order: 'strict', schema: { kind: 'standard', schema: item } },
    ]);
    expect(define({ handlers: [batchHandler({ name: 'insert', handle: () => undefined })] }).handlers).toMatchObject([
      { order: 'any', maxItems: undefined, maxWaitMs: undefined, bisect: false },
    ]);
    const grouped = { name: 'insert', maxItems: 500, maxWaitMs: 2_000, bisect: true, handle: () => undefined };
    expect(define({ handlers: [batchHandler(grouped)] }).handlers).toMatchObject([
      { maxItems: 500, maxWaitMs: 2_000, bisect: true },
    ]);
  });

  it('takes a DTO class as a schema', () => {
    expect(define({ handlers: [handler({ schema: Order })] }).handlers).toMatchObject([
      { schema: { kind: 'dto', target: Order } },
    ]);
  });
});

describe('policies', () => {
  it.each([
    ['record', { kind: 'record' }],
    ['batch', { kind: 'batch' }],
    ['manual', { kind: 'manual' }],
    [{ everyMs: 60_000 }, { kind: 'periodic', everyMs: 60_000, everyRecords: undefined }],
    [{ everyRecords: 5 }, { kind: 'periodic', everyMs: undefined, everyRecords: 5 }],
  ] as const)('checkpoint %j', (checkpoint, expected) => {
    expect(defineConsumer({ ...base, checkpoint }).checkpoint).toEqual(expected);
  });

  it('exhausted records go to the dead letter when there is one', () => {
    const definition = defineConsumer({ ...base, deadLetter: { sink: parked } });
    expect(definition.retry.then).toBe('deadLetter');
    expect(definition.deadLetter).toEqual({
      sink: { kind: 'description', description: parked },
      sameKey: 'continue',
    });
  });

  it('a sink may be any injection token', () => {
    const token = Symbol('sink');
    expect(defineConsumer({ ...base, deadLetter: { sink: token, sameKey: 'hold' } }).deadLetter).toEqual({
      sink: { kind: 'token', token },
      sameKey: 'hold',
    });
  });

  it("a handler's policy wins option by option over the consumer's, and that over the defaults", () => {
    const definition = defineConsumer({
      ...base,
      retry: { attempts: 3, factor: 4, then: 'skip' },
      handlers: [recordHandler({ name: 'placed', retry: { attempts: 9 }, handle: () => undefined })],
    });
    expect(definition.retry).toMatchObject({ attempts: 3, factor: 4, then: 'skip' });
    expect(definition.handlers[0]?.retry).toEqual({
      attempts: 9,
      initialDelayMs: 200,
      maxDelayMs: 30_000,
      factor: 4,
      timeoutMs: 60_000,
      maxRecordAgeMs: undefined,
      then: 'skip',
      overrides: [],
    });
  });

  it('overrides are completed out of the policy that they stand in, and a handler that has some has no others', () => {
    const retry = {
      attempts: 3,
      maxDelayMs: 50,
      initialDelayMs: 10,
      overrides: [{ error: 'ECONNRESET', attempts: 9 }],
    };
    const own = { factor: 4, overrides: [{ error: RangeError, retryable: false as const, then: 'skip' as const }] };
    const { retry: ofConsumer, handlers } = defineConsumer({
      ...base,
      retry,
      handlers: [recordHandler({ name: 'placed', retry: own, handle: () => undefined })],
    });

    expect(ofConsumer.overrides).toEqual([
      {
        error: { kind: 'name', name: 'ECONNRESET' },
        retryable: true,
        rules: expect.objectContaining({ attempts: 9, initialDelayMs: 10, maxDelayMs: 50, factor: 2, then: 'hold' }),
      },
    ]);
    expect(handlers[0]?.retry?.overrides).toEqual([
      {
        error: { kind: 'class', target: RangeError },
        retryable: false,
        rules: expect.objectContaining({ attempts: 3, maxDelayMs: 50, factor: 4, then: 'skip' }),
      },
    ]);
  });

  it('a circuit breaker has its defaults, and one delay of it moves the other out of its way', () => {
    const breaker = (circuitBreaker: object) => defineConsumer({ ...base, circuitBreaker }).circuitBreaker;

    expect(defineConsumer(base).circuitBreaker).toBeUndefined();
    expect(breaker({})).toEqual({
      failureRate: 0.5,
      windowMs: 30_000,
      minimumCalls: 20,
      openMs: 10_000,
      maxOpenMs: 300_000,
      probes: 3,
      only: undefined,
    });
    expect(breaker({ openMs: 400_000 })?.maxOpenMs).toBe(400_000);
    expect(breaker({ maxOpenMs: 1_000 })?.openMs).toBe(1_000);
  });

  it('an override with one delay moves the other out of its way', () => {
    const { retry } = defineConsumer({
      ...base,
      retry: {
        overrides: [
          { error: 'A', initialDelayMs: 60_000 },
          { error: 'B', maxDelayMs: 100 },
        ],
      },
    });

    expect(retry.overrides.map(({ rules }) => [rules.initialDelayMs, rules.maxDelayMs])).toEqual([
      [60_000, 60_000],
      [100, 100],
    ]);
  });

  it('a handler with a sink of its own parks there, even when the consumer has none', () => {
    const definition = defineConsumer({
      ...base,
      handlers: [recordHandler({ name: 'placed', deadLetter: { sink: parked }, handle: () => undefined })],
    });
    expect(definition.retry.then).toBe('hold');
    expect(definition.handlers[0]).toMatchObject({
      retry: { then: 'deadLetter' },
      deadLetter: { sameKey: 'continue' },
    });
  });

  it("a handler's retry parks in the consumer's sink", () => {
    const definition = defineConsumer({
      ...base,
      deadLetter: { sink: parked },
      handlers: [recordHandler({ name: 'placed', retry: { attempts: 1 }, handle: () => undefined })],
    });
    expect(definition.handlers[0]).toMatchObject({ retry: { then: 'deadLetter' }, deadLetter: undefined });
  });
});

describe('mistakes', () => {
  const typed = (name: string, options: Record<string, unknown>) => ({ ...handler(options), name });

  it.each<[string, Record<string, unknown>, string[]]>([
    ['no handler', { handlers: [] }, ['NO_HANDLER']],
    ['handlers left out', { handlers: undefined }, ['NO_HANDLER']],
    ['no name', { name: '' }, ['MISSING_NAME']],
    ['a handler without a name', { handlers: [{ ...all, name: undefined }] }, ['MISSING_NAME']],
    ['no stream', { stream: undefined }, ['MISSING_STREAM']],
    ['an empty stream', { stream: ' ' }, ['BAD_VALUE']],
    ['a stream that is no name', { stream: 7 }, ['BAD_VALUE']],
    ['no application name', { applicationName: null }, ['MISSING_APPLICATION_NAME']],
    ['an empty application name', { applicationName: '' }, ['BAD_VALUE']],
    ['options that are no object', { options: 'TRIM_HORIZON' }, ['BAD_VALUE']],
    ['options that are null', { options: null }, ['BAD_VALUE']],
    ['options that are a list', { options: [] }, ['BAD_VALUE']],
    ['an unknown member', { deadLeter: {} }, ['UNKNOWN_OPTION']],
    ['create that is no function', { create: {} }, ['BAD_VALUE']],
    ['an unknown hook', { hooks: { shardended: () => 1 } }, ['UNKNOWN_OPTION']],
    ['a hook that is no function', { hooks: { shardEnd: true } }, ['BAD_VALUE']],
    ['an unknown checkpoint policy', { checkpoint: 'always' }, ['BAD_VALUE']],
    ['a checkpoint policy that is null', { checkpoint: null }, ['BAD_VALUE']],
    ['a checkpoint policy that is a list', { checkpoint: [] }, ['BAD_VALUE']],
    ['an empty checkpoint policy', { checkpoint: {} }, ['BAD_VALUE']],
    ['everyMs of 0', { checkpoint: { everyMs: 0 } }, ['BAD_VALUE']],
    ['everyRecords of 1.5', { checkpoint: { everyRecords: 1.5 } }, ['BAD_VALUE']],
    ['an unknown checkpoint option', { checkpoint: { everyMs: 1, everyRecord: 1 } }, ['UNKNOWN_OPTION']],
    ['attempts of 0', { retry: { attempts: 0 } }, ['BAD_VALUE']],
    ['attempts of NaN', { retry: { attempts: Number.NaN } }, ['BAD_VALUE']],
    ['a negative delay', { retry: { initialDelayMs: -1 } }, ['BAD_VALUE']],
    ['a delay that no timer keeps', { retry: { maxDelayMs: 2 ** 31 } }, ['BAD_VALUE']],
    ['a timeout of 0', { retry: { timeoutMs: 0 } }, ['BAD_VALUE']],
    ['a shrinking delay', { retry: { factor: 0.5 } }, ['BAD_VALUE']],
    ['a first delay above the longest', { retry: { initialDelayMs: 60_000 } }, ['BAD_VALUE']],
    ['an unknown end', { retry: { then: 'drop' } }, ['BAD_VALUE']],
    ['a retry policy that is a number', { retry: 5 }, ['BAD_VALUE']],
    ['an unknown retry option', { retry: { attemps: 5 } }, ['UNKNOWN_OPTION']],
    ['deadLetter without a sink', { retry: { then: 'deadLetter' } }, ['OPTIONS_EXCLUDE']],
    ['overrides that are no list', { retry: { overrides: { error: 'A' } } }, ['BAD_VALUE']],
    ['an override that is nothing', { retry: { overrides: [undefined] } }, ['BAD_VALUE']],
    ['an override of no error', { retry: { overrides: [{ attempts: 2 }] } }, ['BAD_VALUE']],
    ['an override of a class that is no error', { retry: { overrides: [{ error: Order }] } }, ['BAD_VALUE']],
    ['an override that says retryable', { retry: { overrides: [{ error: 'A', retryable: true }] } }, ['BAD_VALUE']],
    [
      'three mistakes in overrides',
      {
        retry: {
          overrides: [
            { error: 'A', attempts: 0, then: 'drop' },
            { error: 'B', atempts: 2 },
          ],
        },
      },
      ['BAD_VALUE', 'BAD_VALUE', 'UNKNOWN_OPTION'],
    ],
    [
      'delays of an override that contradict each other',
      { retry: { overrides: [{ error: 'A', initialDelayMs: 5, maxDelayMs: 4 }] } },
      ['BAD_VALUE'],
    ],
    [
      'an override that parks without a sink',
      { retry: { overrides: [{ error: 'A', then: 'deadLetter' }] } },
      ['OPTIONS_EXCLUDE'],
    ],
    ['a breaker that every call opens', { circuitBreaker: { failureRate: 0 } }, ['BAD_VALUE']],
    ['a breaker with a rate in percent', { circuitBreaker: { failureRate: 50 } }, ['BAD_VALUE']],
    ['a breaker that is open longer than the longest', { circuitBreaker: { openMs: 9, maxOpenMs: 8 } }, ['BAD_VALUE']],
    ['a breaker without probes', { circuitBreaker: { probes: 0, only: 'network' } }, ['BAD_VALUE', 'BAD_VALUE']],
    ['an unknown option of a breaker', { circuitBreaker: { threshold: 5 } }, ['UNKNOWN_OPTION']],
    ['a sink that is undefined', { deadLetter: { sink: undefined } }, ['BAD_VALUE']],
    ['a sink that is open already', { deadLetter: { sink: { write: () => 1 } } }, ['BAD_VALUE']],
    ['an unknown sameKey', { deadLetter: { sink: parked, sameKey: 'park' } }, ['BAD_VALUE']],
    ['an unknown dead-letter option', { deadLetter: { sink: parked, samekey: 'hold' } }, ['UNKNOWN_OPTION']],
    ['handler options that are unknown', { handlers: [handler({ shema: Order })] }, ['UNKNOWN_OPTION']],
    ['an unknown decode', { handlers: [handler({ decode: 'xml' })] }, ['BAD_VALUE']],
    ['a when that is no function', { handlers: [handler({ when: true }), all] }, ['BAD_VALUE']],
    ['a key that is no function', { handlers: [handler({ key: 'id' })] }, ['BAD_VALUE']],
    ['a type that is no text', { options: { discriminator: 'v' }, handlers: [handler({ type: 3 })] }, ['BAD_VALUE']],
    ['an empty type', { options: { discriminator: 'v' }, handlers: [handler({ type: '' })] }, ['BAD_VALUE']],
    ['otherwise that is no flag', { handlers: [handler({ otherwise: 'yes' })] }, ['BAD_VALUE']],
    [
      'otherwise with type',
      { options: { discriminator: 't' }, handlers: [handler({ otherwise: true, type: 'a' })] },
      ['OPTIONS_EXCLUDE'],
    ],
    ['otherwise with when', { handlers: [handler({ otherwise: true, when: () => true })] }, ['OPTIONS_EXCLUDE']],
    ['an unknown order', { handlers: [{ ...handler({ order: 'loose' }), kind: 'batch' }] }, ['BAD_VALUE']],
    ['no items', { handlers: [{ ...handler({ maxItems: 0 }), kind: 'batch' }] }, ['BAD_VALUE']],
    ['half an item', { handlers: [{ ...handler({ maxItems: 1.5 }), kind: 'batch' }] }, ['BAD_VALUE']],
    [
      'more items than any window',
      { handlers: [{ ...handler({ maxItems: 1_000_001 }), kind: 'batch' }] },
      ['BAD_VALUE'],
    ],
    ['no wait', { handlers: [{ ...handler({ maxWaitMs: 0 }), kind: 'batch' }] }, ['BAD_VALUE']],
    ['a wait no timer holds', { handlers: [{ ...handler({ maxWaitMs: 2 ** 31 }), kind: 'batch' }] }, ['BAD_VALUE']],
    ['a bisect that is no flag', { handlers: [{ ...handler({ bisect: 'yes' }), kind: 'batch' }] }, ['BAD_VALUE']],
    ['maxItems on a record', { handlers: [handler({ maxItems: 5 })] }, ['UNKNOWN_OPTION']],
    ['when on a batch', { handlers: [{ ...handler({ when: () => true }), kind: 'batch' }] }, ['UNKNOWN_OPTION']],
    ['a schema that is null', { handlers: [handler({ schema: null })] }, ['BAD_SCHEMA']],
    ['a schema that is an object', { handlers: [handler({ schema: { type: 'object' } })] }, ['BAD_SCHEMA']],
    ['a schema that is a function', { handlers: [handler({ schema: () => true })] }, ['BAD_SCHEMA']],
    ['a schema that is String', { handlers: [handler({ schema: String })] }, ['BAD_SCHEMA']],
    [
      'a DTO with constructor parameters',
      {
        handlers: [
          handler({
            schema: class WithId {
              constructor(readonly id: string) {}
            },
          }),
        ],
      },
      ['BAD_SCHEMA'],
    ],
    ['a DTO of bytes', { handlers: [handler({ schema: Order, decode: 'bytes' })] }, ['OPTIONS_EXCLUDE']],
    ['a DTO of text', { handlers: [handler({ schema: Order, decode: 'text' })] }, ['OPTIONS_EXCLUDE']],
    [
      'batch and record handlers',
      { handlers: [all, batchHandler({ name: 'b', handle: () => undefined })] },
      ['BATCH_AND_RECORD'],
    ],
    [
      'several batch handlers',
      { handlers: ['a', 'b'].map((name) => batchHandler({ name, handle: () => undefined })) },
      ['SEVERAL_BATCH_HANDLERS'],
    ],
    [
      'a handler behind one that takes all',
      { handlers: [all, handler({ when: () => true })] },
      ['UNREACHABLE_HANDLER'],
    ],
    ['otherwise behind one that takes all', { handlers: [all, handler({ otherwise: true })] }, ['UNREACHABLE_HANDLER']],
    [
      'two handlers of one type',
      { options: { discriminator: 't' }, handlers: [typed('a', { type: 'x' }), typed('b', { type: 'x' })] },
      ['DUPLICATE_TYPE'],
    ],
    [
      'two handlers for the rest',
      { handlers: [typed('a', { otherwise: true }), typed('b', { otherwise: true })] },
      ['DUPLICATE_OTHERWISE'],
    ],
    ['a type without a discriminator', { handlers: [handler({ type: 'x' })] }, ['TYPE_WITHOUT_DISCRIMINATOR']],
  ])('%s', (_, data, expected) => {
    expect(codes(data)).toEqual(expected);
  });

  it.each<[string, Record<string, unknown>]>([
    [
      'two handlers of one type where the first has a when',
      {
        options: { discriminator: 't' },
        handlers: [typed('a', { type: 'x', when: () => true }), typed('b', { type: 'x' })],
      },
    ],
    ['a type when options depend on the environment', { options: () => ({}), handlers: [handler({ type: 'x' })] }],
    ['otherwise in front of others', { handlers: [handler({ otherwise: true }), typed('b', { when: () => true })] }],
    ['one attempt with delays', { retry: { attempts: 1, initialDelayMs: 10 } }],
    [
      'manual checkpoints with a batch',
      { checkpoint: 'manual', handlers: [batchHandler({ name: 'b', handle: () => undefined })] },
    ],
    ['no retries at all', { retry: { attempts: 1, initialDelayMs: 0, maxDelayMs: 0, then: 'stop' } }],
  ])('are not seen in %s', (_, data) => {
    expect(codes(data)).toEqual([]);
  });

  it('come all at once, each with class, member and mend', () => {
    const found = mistakes({ stream: undefined, retry: { attempts: 0 }, handlers: [handler({ shema: Order })] });
    expect(found).toEqual([
      {
        code: 'MISSING_STREAM',
        path: ['Mailer'],
        message: "Mailer (defineConsumer): the stream is missing. Name it, for example 'orders'.",
      },
      {
        code: 'BAD_VALUE',
        path: ['Mailer', 'attempts'],
        message: 'Mailer (retry): attempts must be a whole number of at least 1, not 0.',
      },
      {
        code: 'UNKNOWN_OPTION',
        path: ['Mailer', 'placed', 'shema'],
        message: "Mailer.placed (recordHandler): there is no option 'shema'. Did you mean 'schema'?",
      },
    ]);
  });

  it('name what may stand there when nothing is near', () => {
    const [issue] = mistakes({ deadLetter: { sink: parked, concurrency: 3 } });
    expect(issue?.message).toBe("Mailer (deadLetter): there is no option 'concurrency'. It takes sameKey.");
  });

  it('show what was given without dumping it', () => {
    const shown = ['x'.repeat(99), function onRetry() {}, () => 1, [1], { secret: 1 }, 5n].map(
      (then) => mistakes({ retry: { then } })[0]?.message.split(', not ')[1],
    );
    expect(shown).toEqual([
      `'${'x'.repeat(60)}'.`,
      'the function onRetry.',
      'a function.',
      'an array.',
      'an object.',
      '5.',
    ]);
  });
});
