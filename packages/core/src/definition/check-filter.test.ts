import { describe, expect, it } from 'vitest';
import { DefinitionError, type Issue } from '../errors.js';
import { type ConsumerData, defineConsumer, recordHandler } from './define-consumer.js';

const base = {
  name: 'Mailer',
  stream: 'orders',
  applicationName: 'mailer',
  handlers: [recordHandler({ name: 'all', handle: () => undefined })],
} satisfies ConsumerData<object>;

const define = (data: object) => defineConsumer({ ...base, ...data });

function mistakes(filter: unknown, more: object = {}): readonly Issue[] {
  try {
    define({ ...more, filter });
  } catch (error) {
    if (error instanceof DefinitionError) return error.issues;
    throw error;
  }
  return [];
}

describe('a declared filter', () => {
  it('is a frozen copy, one pattern or several', () => {
    const values = ['order'];
    const { filter } = define({ filter: { data: { type: values } } });
    values.push('other');
    expect(filter).toEqual([{ data: { type: ['order'] } }]);
    expect(Object.isFrozen(filter?.[0]?.data)).toBe(true);
    expect(define({ filter: [{ partitionKey: ['a'] }, { data: ['b'] }] }).filter).toHaveLength(2);
    expect(define({}).filter).toBeUndefined();
  });
});

describe('mistakes in a filter', () => {
  it.each<[string, unknown, string, RegExp]>([
    ['no object', 'x', 'filter', /a pattern is an object such as .* not 'x'\. .*JSON\.parse/],
    ['no pattern', [], 'filter', /the list of patterns is empty/],
    ['an empty pattern', {}, 'filter', /names nothing, so every record would fit/],
    [
      'a field of the payload',
      { type: ['order'] },
      'filter.type',
      /type: .*under data: \{ data: \{ type: \[\.\.\.\] \} \}/,
    ],
    [
      'a bare value',
      { data: { type: 'order' } },
      'filter.data.type',
      /data\.type: must be a list .* Write \['order'\]/,
    ],
    ['a bare operator', { partitionKey: { prefix: 'x' } }, 'filter.partitionKey', /Write \[\{ \.\.\. \}\]/],
    ['no values', { data: { type: [] } }, 'filter.data.type', /the list is empty, so nothing would fit/],
    ['no fields', { data: { order: {} } }, 'filter.data.order', /names nothing/],
    ['a nested list', { data: [['a']] }, 'filter.data.0', /must be a text, a number, .* not an array/],
    ['NaN', { data: [Number.NaN] }, 'filter.data.0', /not NaN/],
    ['a misspelt operator', { data: [{ prefx: 'a' }] }, 'filter.data.0.prefx', /Did you mean 'prefix'\?/],
    [
      'an operator of EventBridge',
      { data: [{ wildcard: '*' }] },
      'filter.data.0.wildcard',
      /of EventBridge .* Use when/,
    ],
    [
      'fields in a list',
      { data: [{ order: ['x'] }] },
      'filter.data.0.order',
      /fields are objects and stand in no list/,
    ],
    ['two operators', { data: [{ prefix: 'a', suffix: 'b' }] }, 'filter.data.0', /exactly one operator .* not 2/],
    ['an inherited name', { data: [{ constructor: 'a' }] }, 'filter.data.0.constructor', /no such operator/],
    ['exists', { data: [{ exists: 'yes' }] }, 'filter.data.0.exists', /true or false, not 'yes'/],
    ['prefix', { data: [{ prefix: 5 }] }, 'filter.data.0.prefix', /must be a text, or \{ 'equals-ignore-case'/],
    ['suffix', { data: [{ suffix: null }] }, 'filter.data.0.suffix', /must be a text, or .* not null/],
    ['ignore-case', { data: [{ 'equals-ignore-case': [] }] }, 'filter.data.0.equals-ignore-case', /must be a text/],
    ['numeric', { data: [{ numeric: 5 }] }, 'filter.data.0.numeric', /must be such as .* not 5/],
    ['the upper bound first', { data: [{ numeric: ['<', 5, '>', 0] }] }, 'filter.data.0.numeric', /lower bound first/],
    ['a text as a bound', { data: [{ numeric: ['>', '5'] }] }, 'filter.data.0.numeric', /comparisons and numbers/],
    [
      'an empty range',
      { data: [{ numeric: ['>', 5, '<', 5] }] },
      'filter.data.0.numeric',
      /5 is not below its upper bound 5/,
    ],
    [
      'anything-but of both',
      { data: [{ 'anything-but': ['a', 1] }] },
      'filter.data.0.anything-but',
      /a list of texts or of numbers/,
    ],
    [
      'anything-but null',
      { data: [{ 'anything-but': null }] },
      'filter.data.0.anything-but',
      /must be a text, a number/,
    ],
    ['anything-but {}', { data: [{ 'anything-but': { prefix: 5 } }] }, 'filter.data.0.anything-but', /with a text or/],
    ['anything-but two', { data: [{ 'anything-but': {} }] }, 'filter.data.0.anything-but', /not an object/],
    ['one alternative', { $or: [{ data: ['a'] }] }, 'filter.$or', /at least two alternatives/],
    ['a value as one', { data: { $or: [{ a: [1] }, 'x'] } }, 'filter.data.$or.1', /an object with fields, not 'x'/],
  ])('%s', (_, filter, path, message) => {
    const [issue, ...others] = mistakes(filter);
    expect(others).toEqual([]);
    expect(issue).toMatchObject({ code: 'BAD_FILTER', path: ['Mailer', ...path.split('.')] });
    expect(issue?.message).toMatch(/^Mailer \(filter\): /);
    expect(issue?.message).toMatch(message);
  });

  it('come all at once, with the pattern they are in', () => {
    const found = mistakes([{ data: { a: 1, b: [] } }, { key: [] }]);
    expect(found.map(({ path }) => path.slice(1).join('.'))).toEqual([
      'filter.0.data.a',
      'filter.0.data.b',
      'filter.1.key',
    ]);
  });

  it('are bytes that a pattern cannot look into', () => {
    const data = { data: { a: [1] } };
    const bytes = { handlers: [recordHandler({ name: 'all', decode: 'bytes', handle: () => undefined })] };
    const excluded = (filter: unknown, more: object) => mistakes(filter, more).map(({ code }) => code);
    expect(excluded(data, bytes)).toEqual(['OPTIONS_EXCLUDE']);
    expect(excluded([{ partitionKey: ['a'] }, { $or: [data, data] }], { options: { decode: 'bytes' } })).toEqual([
      'OPTIONS_EXCLUDE',
    ]);
    expect(excluded({ partitionKey: ['a'] }, bytes)).toEqual([]);
    expect(excluded(data, { options: { decode: 'text' } })).toEqual([]);
  });
});
