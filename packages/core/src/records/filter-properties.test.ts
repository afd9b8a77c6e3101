import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FilterFields, FilterValue, FilterValues } from '../definition/filter-pattern.js';
import { compileFilter } from './filter.js';
import { textRecord } from './record.fixture.js';

/**
 * The model: a payload stands for all payloads without arrays that come about by choosing one element of each array.
 * A pattern fits when it fits one of them; `exists: false` asks all of them.
 */
function choices(value: unknown): unknown[] {
  if (Array.isArray(value)) return value.length === 0 ? [undefined] : value.flatMap(choices);
  if (typeof value !== 'object' || value === null) return [value];
  let objects: Record<string, unknown>[] = [{}];
  for (const [name, inner] of Object.entries(value))
    objects = objects.flatMap((object) => choices(inner).map((one) => ({ ...object, [name]: one })));
  return objects;
}

const at = (value: unknown, path: readonly string[]): unknown =>
  path.reduce<unknown>((inner, name) => (inner as Record<string, unknown> | null | undefined)?.[name], value);
const isValue = (value: unknown) => value !== undefined && (typeof value !== 'object' || value === null);

function modelFits(fields: FilterFields, payload: unknown): boolean {
  const all = choices(payload);
  const fitsOne = (rules: FilterFields, one: unknown, path: readonly string[]): boolean =>
    Object.entries(rules).every(([name, rule]) => {
      if (name === '$or') return (rule as readonly FilterFields[]).some((branch) => fitsOne(branch, one, path));
      const here = [...path, name];
      if (!Array.isArray(rule)) return fitsOne(rule as FilterFields, one, here);
      return (rule as FilterValues).some((value) => {
        if (JSON.stringify(value) === '{"exists":false}') return !all.some((other) => isValue(at(other, here)));
        return isValue(at(one, here)) && modelValue(value, at(one, here));
      });
    });
  return all.some((one) => fitsOne(fields, one, []));
}

function modelValue(rule: FilterValue, value: unknown): boolean {
  if (typeof rule !== 'object' || rule === null) return Object.is(rule, value);
  const text = typeof value === 'string' ? value : undefined;
  if ('exists' in rule) return true;
  if ('prefix' in rule) return text?.indexOf(rule.prefix as string) === 0;
  if ('suffix' in rule) return text?.slice(-(rule.suffix as string).length) === rule.suffix;
  if ('equals-ignore-case' in rule) return text?.toUpperCase() === rule['equals-ignore-case'].toUpperCase();
  if ('anything-but' in rule) return !(rule['anything-but'] as readonly unknown[]).includes(value);
  const [above, lower, , upper] = rule.numeric;
  const big = typeof value === 'number' && (above === '>' ? value > lower : !(value < lower));
  return big && (upper === undefined || value < upper);
}

const names = ['a', 'b', 'c'];
const literal = fc.constantFrom<string | number | boolean | null>('x', 'xy', 'XY', 0, 1, 2, true, null);
const payload = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    literal,
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom(...names, 'p', 'q'), tie('value'), { maxKeys: 3 }),
  ),
})).value;

const value = fc.oneof<fc.Arbitrary<FilterValue>[]>(
  literal,
  fc.constantFrom<FilterValue>(
    { exists: true },
    { exists: false },
    { prefix: 'x' },
    { suffix: 'y' },
    { 'equals-ignore-case': 'xY' },
    { numeric: ['>', 0] },
    { numeric: ['>=', 1, '<', 2] },
    { 'anything-but': ['x', 'xy'] },
    { 'anything-but': [0, 1] },
  ),
);
const values = fc.array(value, { minLength: 1, maxLength: 2 });
const leaf = (name: string) => values.map((list): FilterFields => ({ [name]: list }));
const fields = fc.letrec<{ fields: FilterFields }>((tie) => ({
  fields: fc
    .tuple(
      fc.dictionary(
        fc.constantFrom(...names),
        fc.oneof({ depthSize: 'small', withCrossShrink: true }, values, tie('fields')),
        { minKeys: 1, maxKeys: 2 },
      ),
      // Other names than beside it: what one name means in two parts of a pattern is not laid down anywhere.
      fc.option(fc.tuple(leaf('p'), leaf('q'))),
    )
    .map(([own, or]) => (or === null ? own : { ...own, $or: or }) as FilterFields),
})).fields;

describe('a filter', () => {
  it('says what the model says', () => {
    const record = textRecord('');
    fc.assert(
      fc.property(fields, payload, (data, given) => {
        fc.pre(choices(given).length <= 500);
        expect(compileFilter([{ data }]).matches(record, given)).toBe(modelFits(data, given));
      }),
      { numRuns: 2_000 },
    );
  });
});
