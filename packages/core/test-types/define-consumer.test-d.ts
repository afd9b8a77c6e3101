import { describe, expectTypeOf, it } from 'vitest';
import { z } from 'zod';
import type { Batch, BatchContext, RecordContext } from '../src/definition/context.js';
import { batchHandler, defineConsumer, recordHandler } from '../src/definition/define-consumer.js';
import type { ConsumerDefinition } from '../src/definition/definition.js';
import type { FilterPattern } from '../src/definition/filter-pattern.js';

const Order = z.object({ id: z.string() });
class Dto {
  id!: string;
}
class Archive {
  save(_payload: { id: string }): void {}
}
const names = { name: 'archive', stream: 'orders', applicationName: 'archive' };

describe('handlers as data', () => {
  it('have their parameters inferred from the schema', () => {
    recordHandler({
      name: 'placed',
      schema: Order,
      handle: (order, context) => {
        expectTypeOf(order).toEqualTypeOf<{ id: string }>();
        expectTypeOf(context).toEqualTypeOf<RecordContext>();
      },
    });
    recordHandler({ name: 'dto', schema: Dto, handle: (dto) => expectTypeOf(dto).toEqualTypeOf<Dto>() });
    recordHandler({ name: 'text', decode: 'text', handle: (text) => expectTypeOf(text).toEqualTypeOf<string>() });
    recordHandler({ name: 'json', handle: (json) => expectTypeOf(json).toEqualTypeOf<unknown>() });
    batchHandler({
      name: 'insert',
      schema: Order,
      handle: (batch, context) => {
        expectTypeOf(batch).toEqualTypeOf<Batch<{ id: string }>>();
        expectTypeOf(context).toEqualTypeOf<BatchContext>();
      },
    });
  });

  it('get the instance that create makes', () => {
    const definition = defineConsumer({
      ...names,
      create: () => new Archive(),
      handlers: [
        recordHandler({ name: 'placed', schema: Order, handle: (order, _, archive: Archive) => archive.save(order) }),
      ],
      hooks: { shardEnd: (_, archive) => expectTypeOf(archive).toEqualTypeOf<Archive>() },
    });
    expectTypeOf(definition).toEqualTypeOf<ConsumerDefinition>();
  });

  it('may be idempotent by what their schema gives', () => {
    recordHandler({
      name: 'placed',
      schema: Order,
      idempotent: {
        store: 'STORE',
        key: (order) => {
          expectTypeOf(order).toEqualTypeOf<z.infer<typeof Order>>();
          return 'key';
        },
      },
      handle: () => undefined,
    });
    // @ts-expect-error a batch has no key
    batchHandler({ name: 'insert', idempotent: { store: 'STORE' }, handle: () => undefined });
  });

  it('do not compile when they do not fit', () => {
    // @ts-expect-error the schema gives no total
    recordHandler({ name: 'placed', schema: Order, handle: (order: { total: number }) => order });
    // @ts-expect-error a name is needed for logs and dead letters
    recordHandler({ schema: Order, handle: () => undefined });
    // @ts-expect-error a batch handler returns nothing
    batchHandler({ name: 'insert', handle: () => [1] });
    defineConsumer({
      ...names,
      // @ts-expect-error the handler needs another instance than create makes
      create: () => ({ other: 1 }),
      handlers: [recordHandler({ name: 'placed', handle: (_order, _context, archive: Archive) => archive })],
    });
    // @ts-expect-error misspelled
    defineConsumer({ ...names, handlers: [], deadLeter: undefined });
  });
});

describe('filter patterns', () => {
  const filter = (pattern: FilterPattern) => pattern;

  it('compile as Lambda takes them', () => {
    filter({ data: { order: { type: ['buy', null, 7, true] }, total: [{ numeric: ['>', 0, '<=', 100] }] } });
    filter({ data: ['text', { prefix: 'a' }], partitionKey: [{ 'anything-but': { suffix: ['x', 'y'] } }] });
    filter({ $or: [{ data: { a: [{ exists: false }] } }, { data: { $or: [{ b: [''] }, { c: { d: ['x'] } }] } }] });
    defineConsumer({ ...names, handlers: [], filter: [{ partitionKey: ['a'] }, { data: ['b'] }] });
  });

  it('do not compile when they do not fit', () => {
    // @ts-expect-error what stands in the payload goes under data
    filter({ type: ['buy'] });
    // @ts-expect-error values stand in a list
    filter({ data: { type: 'buy' } });
    // @ts-expect-error no such operator
    filter({ partitionKey: [{ prefx: 'a' }] });
    // @ts-expect-error the lower bound comes first
    filter({ partitionKey: [{ numeric: ['<', 1, '>', 0] }] });
  });
});
