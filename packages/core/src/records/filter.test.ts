import { describe, expect, it } from 'vitest';
import { defineConsumer, recordHandler } from '../definition/define-consumer.js';
import type { FilterFields, FilterPattern, FilterValues } from '../definition/filter-pattern.js';
import { compileFilter } from './filter.js';
import { jsonRecord, textRecord, wireRecord } from './record.fixture.js';
import { viewRecord } from './record-view.js';

/** Through the definition, which checks: no test may rest on a pattern that users cannot declare. */
function compile(filter: FilterPattern | readonly FilterPattern[]) {
  const handlers = [recordHandler({ name: 'all', handle: () => undefined })];
  const { filter: checked } = defineConsumer({ name: 'C', stream: 's', applicationName: 'a', handlers, filter });
  return compileFilter(checked ?? []);
}

const fits = (data: FilterFields | FilterValues, payload: unknown) =>
  compile({ data }).matches(jsonRecord(payload), payload);

describe('values', () => {
  it.each<[string, FilterValues, readonly unknown[], readonly unknown[]]>([
    ['text', ['buy'], ['buy'], ['Buy', 'buyer', '', null]],
    ['the empty text', [''], [''], [null, ' ']],
    ['null', [null], [null], ['null', '', 0, false]],
    ['a number, by its value', [300], [300, 3e2], ['300', 300.5]],
    ['a truth value', [true], [true], [false, 'true', 1]],
    ['one of several', ['a', 7, null], ['a', 7, null], ['7', 'b']],
    ['equals-ignore-case', [{ 'equals-ignore-case': 'Alice' }], ['ALICE', 'alice'], ['Al', 5]],
    ['prefix', [{ prefix: 'us-' }], ['us-east-1', 'us-'], ['eu-us-', 'us', 5]],
    ['prefix, ignoring case', [{ prefix: { 'equals-ignore-case': 'EventB' } }], ['eventbridge'], ['event']],
    ['suffix', [{ suffix: '.png' }], ['a.png'], ['a.PNG', 'a.png ']],
    ['suffix, ignoring case', [{ suffix: { 'equals-ignore-case': '.png' } }], ['a.PNG'], ['a.jpg']],
    ['= ', [{ numeric: ['=', 100] }], [100], [100.1, '100']],
    ['< ', [{ numeric: ['<', 100] }], [99.9, -5], [100, '1', null]],
    ['<=', [{ numeric: ['<=', 100] }], [100], [100.1]],
    ['> ', [{ numeric: ['>', 100] }], [100.1], [100]],
    ['>=', [{ numeric: ['>=', 100] }], [100], [99]],
    ['a range', [{ numeric: ['>', 10, '<=', 20] }], [10.5, 20], [10, 21]],
    ['anything-but a text', [{ 'anything-but': 'x' }], ['y', 5, null, true], ['x']],
    ['anything-but texts', [{ 'anything-but': ['x', 'y'] }], ['z'], ['x', 'y']],
    ['anything-but numbers', [{ 'anything-but': [1, 2] }], [3, '1'], [1, 2]],
    ['anything-but prefix', [{ 'anything-but': { prefix: ['a', 'b'] } }], ['c', 5], ['a1', 'b1']],
    ['anything-but suffix', [{ 'anything-but': { suffix: '.png' } }], ['a.jpg'], ['a.png']],
    [
      'anything-but, ignoring case',
      [{ 'anything-but': { 'equals-ignore-case': ['On', 'Off'] } }],
      ['idle'],
      ['ON', 'off'],
    ],
    ['exists', [{ exists: true }], ['', 0, null, false], [{}, []]],
  ])('%s', (_, values, fitting, others) => {
    for (const value of fitting) expect([value, fits({ f: values }, { f: value })]).toEqual([value, true]);
    for (const value of others) expect([value, fits({ f: values }, { f: value })]).toEqual([value, false]);
    expect(fits({ f: values }, {})).toBe(false);
  });

  it('sees 64-bit integers of a decoding function as numbers', () => {
    const filter = compile({ data: { n: [5, { numeric: ['>', 100] }] } });
    const of = (n: bigint) => filter.matches(textRecord(''), { n });
    expect([of(5n), of(101n), of(7n)]).toEqual([true, true, false]);
  });
});

describe('exists: false', () => {
  it('fits where nothing is, or an object, or an empty array', () => {
    const absent: FilterFields = { a: { b: [{ exists: false }] } };
    for (const payload of [{}, { a: 5 }, { a: null }, { a: {} }, { a: { b: {} } }, { a: { b: [] } }, { a: [] }, 7])
      expect([payload, fits(absent, payload)]).toEqual([payload, true]);
    for (const payload of [{ a: { b: null } }, { a: { b: [0] } }, { a: [{}, { b: 1 }] }])
      expect([payload, fits(absent, payload)]).toEqual([payload, false]);
  });

  it('stands beside values', () => {
    const rules: FilterFields = { state: ['new', { exists: false }] };
    expect([{}, { state: 'new' }, { state: 'old' }].map((payload) => fits(rules, payload))).toEqual([
      true,
      true,
      false,
    ]);
  });
});

describe('fields', () => {
  it('all have to fit, however deep', () => {
    const rules: FilterFields = { order: { type: ['buy'], stock: { name: ['ANYCO'] } } };
    expect(fits(rules, { order: { type: 'buy', stock: { name: 'ANYCO', price: 1 } } })).toBe(true);
    expect(fits(rules, { order: { type: 'buy', stock: { name: 'OTHER' } } })).toBe(false);
    expect(fits(rules, { order: 'buy' })).toBe(false);
    expect(fits(rules, null)).toBe(false);
  });

  it('with $or, one alternative has to fit as well', () => {
    const rules: FilterFields = { source: ['app'], $or: [{ metric: ['cpu'] }, { scope: ['service'], level: [1] }] };
    expect(fits(rules, { source: 'app', metric: 'cpu' })).toBe(true);
    expect(fits(rules, { source: 'app', scope: 'service', level: 1 })).toBe(true);
    expect(fits(rules, { source: 'app', scope: 'service' })).toBe(false);
    expect(fits(rules, { source: 'other', metric: 'cpu' })).toBe(false);
  });

  it('of an array one element has to fit, and as a whole', () => {
    expect(fits({ tags: ['red'] }, { tags: ['blue', 'red'] })).toBe(true);
    expect(fits({ tags: ['red'] }, { tags: [['blue'], ['red']] })).toBe(true);
    const line: FilterFields = { lines: { sku: ['a'], count: [{ numeric: ['>', 1] }] } };
    expect(fits(line, { lines: [{ sku: 'b' }, { sku: 'a', count: 2 }] })).toBe(true);
    expect(
      fits(line, {
        lines: [
          { sku: 'a', count: 1 },
          { sku: 'b', count: 2 },
        ],
      }),
    ).toBe(false);
  });

  it('are own ones: no payload fits by what every object inherits', () => {
    expect(fits({ constructor: { name: ['Object'] } }, {})).toBe(false);
    expect(fits({ toString: [{ exists: false }] }, {})).toBe(true);
  });
});

describe('a record', () => {
  const of = (partitionKey: string, payload: unknown) =>
    viewRecord(wireRecord(JSON.stringify(payload), { partitionKey }), 'shardId-000000000000');
  const judge = (filter: FilterPattern | readonly FilterPattern[], partitionKey: string, payload: unknown) =>
    compile(filter).matches(of(partitionKey, payload), payload);

  it('fits by text, by key, and by both', () => {
    expect(judge({ data: ['a', { prefix: 'b' }] }, 'k', 'bee')).toBe(true);
    expect(judge({ partitionKey: [{ prefix: 'vip-' }] }, 'vip-7', 0)).toBe(true);
    const both: FilterPattern = { partitionKey: ['k'], data: { a: [1] } };
    expect([judge(both, 'k', { a: 1 }), judge(both, 'x', { a: 1 }), judge(both, 'k', {})]).toEqual([
      true,
      false,
      false,
    ]);
  });

  it('has to fit one of several patterns, or of $or', () => {
    const either = [{ partitionKey: ['k'] }, { data: { a: [1] } }];
    for (const filter of [either, { $or: either }]) {
      expect(judge(filter, 'k', {})).toBe(true);
      expect(judge(filter, 'x', { a: 1 })).toBe(true);
      expect(judge(filter, 'x', {})).toBe(false);
    }
  });

  it('is judged without its payload where that decides nothing', () => {
    const filter = compile({ partitionKey: ['k'], data: { a: [1] } });
    expect([filter.mayMatch(of('k', {})), filter.mayMatch(of('x', { a: 1 })), filter.readsData]).toEqual([
      true,
      false,
      true,
    ]);
    expect(compile({ partitionKey: ['k'] }).readsData).toBe(false);
    expect(compile([{ partitionKey: ['k'] }, { data: ['a'] }]).mayMatch(of('x', 0))).toBe(true);
  });
});
