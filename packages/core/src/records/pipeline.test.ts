import 'reflect-metadata';
import { type } from 'arktype';
import { IsInt, IsString, Min, ValidateNested } from 'class-validator';
import { Type } from 'class-transformer';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { ConsumerRecord } from '../definition/context.js';
import { batchHandler, defineConsumer, type HandlerData, recordHandler } from '../definition/define-consumer.js';
import type { Decode } from '../definition/definition.js';
import type { FilterPattern } from '../definition/filter-pattern.js';
import { DefinitionError, MillraceError } from '../errors.js';
import { compilePipeline, type Prepared } from './pipeline.js';
import { bytesRecord, jsonRecord, textRecord } from './record.fixture.js';

const ignore = () => undefined;
type Settings = Parameters<typeof compilePipeline>[1];

function compile(handlers: readonly HandlerData[], settings: Partial<Settings> = {}) {
  // Options of the environment, so that what is known at start only can be tried here.
  const data = { name: 'Consumer', stream: 's', applicationName: 'a', options: () => ({}), handlers };
  return compilePipeline(defineConsumer(data), { discriminator: 'type', decode: 'json', ...settings });
}

async function prepare(handlers: readonly HandlerData[], record: ConsumerRecord, settings: Partial<Settings> = {}) {
  return outcome(await (await compile(handlers, settings)).prepare(record));
}

function outcome(prepared: Prepared): unknown {
  switch (prepared.kind) {
    case 'ready':
      return [prepared.handler.name, prepared.payload];
    case 'failed':
      return { code: prepared.error.code, handler: prepared.handler?.name };
    case 'filtered':
      return 'filtered';
    default:
      return prepared satisfies never;
  }
}

async function errorOf(handlers: readonly HandlerData[], record: ConsumerRecord, settings: Partial<Settings> = {}) {
  const prepared = await (await compile(handlers, settings)).prepare(record);
  if (prepared.kind !== 'failed') throw new Error('the record was taken');
  return prepared.error;
}

const on = (name: string, options: Record<string, unknown> = {}) => recordHandler({ name, handle: ignore, ...options });

describe('decoding', () => {
  it.each<[Decode, unknown]>([
    ['json', { a: 1 }],
    ['text', '{"a":1}'],
    ['bytes', new TextEncoder().encode('{"a":1}')],
    [(bytes, record) => [bytes.byteLength, record.partitionKey], [7, 'customer-7']],
    [async (bytes) => bytes.byteLength, 7],
  ])('%s, said by the handler or by the consumer', async (decode, payload) => {
    expect(await prepare([on('all', { decode })], jsonRecord({ a: 1 }))).toEqual(['all', payload]);
    expect(await prepare([on('all')], jsonRecord({ a: 1 }), { decode })).toEqual(['all', payload]);
  });

  it('fails the record when a decode function throws or rejects, and keeps the cause', async () => {
    const cause = new Error('not protobuf');
    const decoders: Decode[] = [
      () => {
        throw cause;
      },
      () => Promise.reject(cause),
    ];
    for (const decode of decoders) {
      const error = await errorOf([on('all', { decode })], textRecord('x'));
      expect([error.code, error.cause]).toEqual(['DECODE_FAILED', cause]);
    }
  });

  it('fails the record when the bytes are no JSON, on behalf of its handler', async () => {
    expect(await prepare([on('all')], textRecord('{'))).toEqual({ code: 'DECODE_FAILED', handler: 'all' });
  });

  it('gives a batch handler the value of one item', async () => {
    const handlers = [batchHandler({ name: 'insert', schema: z.object({ a: z.number() }), handle: ignore })];
    expect(await prepare(handlers, jsonRecord({ a: 1 }))).toEqual(['insert', { a: 1 }]);
    expect(await prepare(handlers, jsonRecord({}))).toEqual({ code: 'VALIDATION_FAILED', handler: 'insert' });
  });
});

describe('validation by Standard Schema', () => {
  it.each([
    ['zod', z.object({ id: z.string(), lines: z.array(z.object({ quantity: z.number() })) })],
    ['valibot', v.object({ id: v.string(), lines: v.array(v.object({ quantity: v.number() })) })],
    ['arktype', type({ id: 'string', lines: type({ quantity: 'number' }).array() })],
  ])('%s: values pass, mistakes are named with their path', async (_, schema) => {
    const good = { id: '7', lines: [{ quantity: 1 }] };
    expect(await prepare([on('placed', { schema })], jsonRecord(good))).toEqual(['placed', good]);
    const error = await errorOf(
      [on('placed', { schema })],
      jsonRecord({ id: 7, lines: [{ quantity: 1 }, { quantity: 'x' }] }),
    );
    expect(error.code).toBe('VALIDATION_FAILED');
    expect(error.details['issues']).toMatchObject([{ path: 'id' }, { path: 'lines[1].quantity' }]);
    expect(error.message).toMatch(/does not fit the schema of placed:\n {2}- id: .+\n {2}- lines\[1\]\.quantity: .+/);
  });

  it('gives the handler what the schema made', async () => {
    const schema = z.object({ at: z.string().transform((text) => text.length) });
    expect(await prepare([on('placed', { schema })], jsonRecord({ at: 'four' }))).toEqual(['placed', { at: 4 }]);
  });

  it('names the payload itself, and stops naming at ten', async () => {
    expect((await errorOf([on('n', { schema: z.number() })], jsonRecord('x'))).message).toContain('- (payload): ');
    const twelve = z.object(Object.fromEntries(Array.from({ length: 12 }, (_, index) => [`f${index}`, z.string()])));
    expect((await errorOf([on('n', { schema: twelve })], jsonRecord({}))).message).toContain('- and 2 more');
  });

  it('waits for schemas that wait', async () => {
    const schema = z.object({ id: z.string().refine(async (id) => id !== 'taken', 'is taken') });
    expect(await prepare([on('placed', { schema })], jsonRecord({ id: '7' }))).toEqual(['placed', { id: '7' }]);
    expect((await errorOf([on('placed', { schema })], jsonRecord({ id: 'taken' }))).message).toContain('id: is taken');
  });

  it('fails the record when a schema throws or rejects', async () => {
    const boom = () => {
      throw new Error('boom');
    };
    for (const validate of [boom, async () => boom()]) {
      const schema = { '~standard': { version: 1, vendor: 'own', validate } };
      const error = await errorOf([on('placed', { schema })], jsonRecord({}));
      expect(error.code).toBe('VALIDATION_FAILED');
      expect(error.cause).toMatchObject({ message: 'boom' });
    }
  });

  it('makes no promise when nothing needs one', async () => {
    const handlers = [
      on('a', { type: 'a', schema: z.object({ type: z.string() }) }),
      on('b', { when: () => true, decode: 'text' }),
    ];
    const pipeline = await compile(handlers);
    const prepared = [jsonRecord({ type: 'a' }), jsonRecord({ type: 'b' }), textRecord('{')].map((record) =>
      pipeline.prepare(record),
    );
    expect(prepared.filter((one) => one instanceof Promise)).toEqual([]);
  });
});

class Line {
  @IsInt() @Min(1) quantity!: number;
}
class OrderPlaced {
  @IsString() id!: string;
  @ValidateNested({ each: true }) @Type(() => Line) lines!: Line[];
  total(): number {
    return this.lines.reduce((sum, line) => sum + line.quantity, 0);
  }
}

describe('validation by DTO class', () => {
  const handlers = [on('placed', { schema: OrderPlaced })];

  it('gives an instance, nested ones included, and keeps unknown properties', async () => {
    const prepared = await (
      await compile(handlers)
    ).prepare(jsonRecord({ id: '7', lines: [{ quantity: 2 }, { quantity: 3 }], note: 'x' }));
    const payload = prepared.kind === 'ready' ? (prepared.payload as OrderPlaced & { note: string }) : undefined;
    expect(payload).toBeInstanceOf(OrderPlaced);
    expect(payload?.lines[1]).toBeInstanceOf(Line);
    expect(payload?.total()).toBe(5);
    expect(payload?.note).toBe('x');
  });

  it('names mistakes with the path inside the payload', async () => {
    const error = await errorOf(handlers, jsonRecord({ id: 7, lines: [{ quantity: 1 }, { quantity: 0 }] }));
    expect(error.details['issues']).toEqual([
      { path: 'id', message: 'id must be a string' },
      { path: 'lines[1].quantity', message: 'quantity must not be less than 1' },
    ]);
  });

  it.each([[null], [[{ id: '7' }]], ['text'], [7]])('refuses %j, which is no object', async (payload) => {
    const error = await errorOf(handlers, jsonRecord(payload));
    expect([error.code, error.details['issues']]).toEqual([
      'VALIDATION_FAILED',
      [{ path: '', message: 'expected an object for OrderPlaced' }],
    ]);
  });

  it('cannot be reached by prototype keys in the payload', async () => {
    const payload = '{"id":"7","lines":[],"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}';
    await (await compile(handlers)).prepare(textRecord(payload));
    expect('polluted' in {}).toBe(false);
    expect('polluted' in OrderPlaced.prototype).toBe(false);
  });

  it('refuses a class that checks nothing, before the first record', async () => {
    class Bare {
      id!: string;
    }
    await expect(compile([on('placed', { schema: Bare })])).rejects.toThrow(/BAD_SCHEMA.*Bare has no class-validator/s);
  });
});

describe('routing', () => {
  const handlers = [
    on('placed', { type: 'placed' }),
    on('large', { when: (order: { total?: number }) => (order?.total ?? 0) > 100 }),
    on('rest', { otherwise: true, decode: 'bytes' }),
    on('cancelled', { type: 'cancelled' }),
  ];
  const named = async (record: ConsumerRecord, settings: Partial<Settings> = {}) => {
    const result = await prepare(handlers, record, settings);
    return Array.isArray(result) ? (result as unknown[])[0] : result;
  };

  it('goes by type and when in source order, and to otherwise at the end', async () => {
    expect(await named(jsonRecord({ type: 'placed', total: 500 }))).toBe('placed');
    expect(await named(jsonRecord({ type: 'cancelled', total: 500 }))).toBe('large');
    expect(await named(jsonRecord({ type: 'cancelled' }))).toBe('cancelled');
    expect(await named(jsonRecord({ type: 'unknown' }))).toBe('rest');
    expect(await named(textRecord('{ no JSON'))).toBe('rest');
  });

  it('finds the type at a path, among own properties only', async () => {
    expect(await named(jsonRecord({ detail: { kind: 'placed' } }), { discriminator: 'detail.kind' })).toBe('placed');
    expect(await named(jsonRecord({ detail: null }), { discriminator: 'detail.kind' })).toBe('rest');
    expect(await named(jsonRecord({}), { discriminator: 'constructor.name' })).toBe('rest');
    expect(await named(jsonRecord('placed'), { discriminator: 'length' })).toBe('rest');
  });

  it('takes a handler with type and when only if both agree', async () => {
    const both = [on('a', { type: 'x', when: (p: { a: boolean }) => p.a }), on('b', { type: 'x' })];
    expect(await prepare(both, jsonRecord({ type: 'x', a: true }))).toEqual(['a', { type: 'x', a: true }]);
    expect(await prepare(both, jsonRecord({ type: 'x', a: false }))).toEqual(['b', { type: 'x', a: false }]);
  });

  it('reads the type from JSON although the handler wants bytes or text', async () => {
    const raw = [on('raw', { type: 'raw', decode: 'bytes' }), on('text', { type: 'text', decode: 'text' })];
    expect(await prepare(raw, jsonRecord({ type: 'text' }))).toEqual(['text', '{"type":"text"}']);
    expect(await prepare(raw, jsonRecord({ type: 'text' }), { decode: 'bytes' })).toEqual(['text', '{"type":"text"}']);
  });

  it("reads the type from what the consumer's own function gives", async () => {
    const decode = (bytes: Uint8Array) => ({ type: bytes[0] === 1 ? 'one' : 'two' });
    const handlers = [on('one', { type: 'one' }), on('two', { type: 'two' })];
    expect(await prepare(handlers, bytesRecord(1), { decode })).toEqual(['one', { type: 'one' }]);
    expect(await prepare(handlers, bytesRecord(2), { decode })).toEqual(['two', { type: 'two' }]);
  });

  it('decodes once, however many handlers look', async () => {
    let runs = 0;
    const decode = () => ({ type: `run ${(runs += 1)}` });
    const many = [on('a', { type: 'x' }), on('b', { when: () => false }), on('c', { when: () => true })];
    expect(await prepare(many, bytesRecord(1), { decode })).toEqual(['c', { type: 'run 1' }]);
    expect(runs).toBe(1);
  });

  it('lets handlers of different formats take what is theirs', async () => {
    const formats = [
      on('json', { when: () => true }),
      on('text', { decode: 'text', when: () => true }),
      on('raw', { decode: 'bytes' }),
    ];
    expect(await prepare(formats, jsonRecord(1))).toEqual(['json', 1]);
    expect(await prepare(formats, textRecord('plain'))).toEqual(['text', 'plain']);
    expect(await prepare(formats, bytesRecord(255))).toEqual(['raw', Uint8Array.of(255)]);
  });

  it.each<[string, readonly HandlerData[], ConsumerRecord, RegExp]>([
    [
      'with its type',
      [on('a', { type: 'x' })],
      jsonRecord({ type: 'y' }),
      /No handler takes .* Its type is 'y'\. Add a handler/,
    ],
    ['without a type', [on('a', { type: 'x' })], jsonRecord({}), /It has no type\./],
    ['with a type that is no text', [on('a', { type: '3' })], jsonRecord({ type: 3 }), /Its type is no text\./],
    [
      'of another format',
      [on('a', { when: () => false, decode: 'bytes' })],
      textRecord('{'),
      /No handler takes the record \S+ Add/,
    ],
  ])('fails a record that nobody takes, %s', async (_, handlers, record, message) => {
    const error = await errorOf(handlers, record);
    expect(error.code).toBe('NO_HANDLER_MATCHED');
    expect(error.message).toMatch(message);
    expect(error.details).toMatchObject({ shardId: 'shardId-000000000000' });
  });

  it('says so when a record is no JSON and nobody takes it for that reason', async () => {
    expect(await prepare([on('a', { type: 'x' })], textRecord('{'))).toEqual({
      code: 'DECODE_FAILED',
      handler: undefined,
    });
    expect(await prepare([on('a', { when: () => true }), on('b', { type: 'x' })], textRecord('{'))).toEqual({
      code: 'DECODE_FAILED',
      handler: undefined,
    });
  });

  it.each<[string, (payload: unknown) => unknown, RegExp]>([
    [
      'throws',
      () => {
        throw new TypeError('cannot read x');
      },
      /The when of picky threw/,
    ],
    ['waits', async () => false, /gave neither true nor false but a promise/],
    ['rejects', () => Promise.reject(new Error('later')), /but a promise/],
    ['gives a number', () => 1, /but number/],
  ])('gives no record to a later handler when a when %s', async (_, when, message) => {
    const error = await errorOf([on('picky', { when }), on('all')], jsonRecord({}));
    expect(error.code).toBe('NO_HANDLER_MATCHED');
    expect(error.message).toMatch(message);
  });

  it('keeps what a when threw', async () => {
    const cause = new Error('broken predicate');
    const when = () => {
      throw cause;
    };
    expect((await errorOf([on('picky', { when }), on('all')], jsonRecord({}))).cause).toBe(cause);
  });

  it('gives no record to a later handler when a decode function throws or waits', async () => {
    const decoders: Decode[] = [
      () => {
        throw new Error('cannot tell');
      },
      () => Promise.resolve({}),
      () => Promise.reject(new Error('later')),
    ];
    for (const decode of decoders) {
      const picky = [on('picky', { when: () => true, decode }), on('all')];
      expect(await prepare(picky, jsonRecord({}))).toEqual({ code: 'DECODE_FAILED', handler: undefined });
      expect(await prepare([on('typed', { type: 'x' }), on('all')], jsonRecord({}), { decode })).toEqual({
        code: 'DECODE_FAILED',
        handler: undefined,
      });
    }
  });

  it('needs to know where the type stands', async () => {
    for (const discriminator of [undefined, '']) {
      const compiled = compile([on('a', { type: 'x' })], { discriminator });
      await expect(compiled).rejects.toThrow(DefinitionError);
      await expect(compiled).rejects.toThrow(/Consumer\.a: it takes the type 'x'/);
    }
    expect(await prepare([on('a', { when: () => true })], jsonRecord({}), { discriminator: undefined })).toEqual([
      'a',
      {},
    ]);
    expect(await prepare([on('a', { when: () => false })], jsonRecord({}), { discriminator: '' })).toMatchObject({
      code: 'NO_HANDLER_MATCHED',
    });
  });

  it('always fails with an error of ours', async () => {
    expect(await errorOf([on('a', { type: 'x' })], textRecord('{'))).toBeInstanceOf(MillraceError);
  });
});

describe('filtering', () => {
  const filtering = async (
    filter: FilterPattern,
    handlers: readonly HandlerData[],
    settings: Partial<Settings> = {},
  ) => {
    const data = { name: 'Consumer', stream: 's', applicationName: 'a', options: () => ({}), handlers, filter };
    return compilePipeline(defineConsumer(data), { discriminator: 'type', decode: 'json', ...settings });
  };
  const orders: FilterPattern = { data: { type: ['order'] } };

  it('comes before routing: what is left out needs no handler', async () => {
    const { prepare } = await filtering(orders, [on('large', { when: (order: { total: number }) => order.total > 1 })]);
    expect(outcome(await prepare(jsonRecord({ type: 'other' })))).toBe('filtered');
    expect(outcome(await prepare(jsonRecord({ type: 'order', total: 2 })))).toEqual([
      'large',
      { type: 'order', total: 2 },
    ]);
    expect(outcome(await prepare(jsonRecord({ type: 'order', total: 0 })))).toMatchObject({
      code: 'NO_HANDLER_MATCHED',
    });
  });

  it('comes before validation, of single records and of batch items', async () => {
    const schema = z.object({ type: z.string(), total: z.number() });
    for (const handler of [on('placed', { schema }), batchHandler({ name: 'placed', schema, handle: ignore })]) {
      const { prepare } = await filtering(orders, [handler]);
      expect(outcome(await prepare(jsonRecord({ type: 'other' })))).toBe('filtered');
      expect(outcome(await prepare(jsonRecord({ type: 'order' })))).toEqual({
        code: 'VALIDATION_FAILED',
        handler: 'placed',
      });
    }
  });

  it('looks at what the decode function gives, which runs once', async () => {
    let runs = 0;
    const decode = (bytes: Uint8Array) => ({ type: bytes[0] === 1 ? 'order' : 'other', run: (runs += 1) });
    const { prepare } = await filtering(orders, [on('a', { decode })]);
    expect(outcome(await prepare(bytesRecord(1)))).toEqual(['a', { type: 'order', run: 1 }]);
    expect(outcome(await prepare(bytesRecord(2)))).toBe('filtered');
    const later = await filtering(orders, [on('a')], { decode: async (bytes) => decode(bytes) });
    expect(outcome(await later.prepare(bytesRecord(1)))).toEqual(['a', { type: 'order', run: 3 }]);
    expect(outcome(await later.prepare(bytesRecord(2)))).toBe('filtered');
  });

  it('looks at text, and where handlers differ at what the consumer decodes', async () => {
    const { prepare } = await filtering({ data: [{ prefix: 'order ' }] }, [on('a')], { decode: 'text' });
    expect(outcome(await prepare(textRecord('order 7')))).toEqual(['a', 'order 7']);
    expect(outcome(await prepare(textRecord('return 7')))).toBe('filtered');
    const mixed = await filtering(orders, [on('a', { type: 'none' }), on('raw', { otherwise: true, decode: 'bytes' })]);
    expect(outcome(await mixed.prepare(jsonRecord({ type: 'order' })))).toMatchObject(['raw', expect.anything()]);
    expect(outcome(await mixed.prepare(jsonRecord({ type: 'other' })))).toBe('filtered');
  });

  it('fails what it cannot look into, instead of leaving it out', async () => {
    const rejects = async () => {
      throw new Error('no key');
    };
    const single = await filtering(orders, [on('a')]);
    expect(outcome(await single.prepare(textRecord('{')))).toEqual({ code: 'DECODE_FAILED', handler: 'a' });
    const several = await filtering(orders, [on('a', { type: 'order' }), on('b', { otherwise: true })]);
    expect(outcome(await several.prepare(textRecord('{')))).toEqual({ code: 'DECODE_FAILED', handler: undefined });
    const waiting = await filtering(orders, [on('a', { decode: rejects })]);
    expect(outcome(await waiting.prepare(bytesRecord(1)))).toEqual({ code: 'DECODE_FAILED', handler: 'a' });
  });

  it('decodes nothing for a record whose key leaves it out', async () => {
    const { prepare } = await filtering({ partitionKey: ['other'], data: { a: [1] } }, [on('a')]);
    expect(outcome(await prepare(textRecord('{')))).toBe('filtered');
    const byKey = await filtering({ partitionKey: ['customer-7'] }, [on('a', { decode: 'bytes' })]);
    expect(outcome(await byKey.prepare(bytesRecord(255)))).toEqual(['a', Uint8Array.of(255)]);
  });

  it('refuses bytes that only the environment knows of, before the first record', async () => {
    await expect(filtering(orders, [on('a')], { decode: 'bytes' })).rejects.toThrow(
      /OPTIONS_EXCLUDE.*data that is bytes/s,
    );
  });

  it('makes no promise of its own', async () => {
    const { prepare } = await filtering(orders, [on('a')]);
    const prepared = [jsonRecord({ type: 'order' }), jsonRecord({}), textRecord('{')].map((record) => prepare(record));
    expect(prepared.filter((one) => one instanceof Promise)).toEqual([]);
  });
});
