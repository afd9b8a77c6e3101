/**
 * Filter patterns as functions, compiled once per consumer. The semantics are those of Lambda's filters: names by `and`,
 * values by `or`; of an array one element has to fit, and of an array of objects one element as a whole.
 *
 * `exists: false` is the exception: it asks whether the path leads to a value anywhere in the record, through every
 * element of the arrays on its way. A path leads to a value when that is neither an object nor an empty array.
 */
import type { ConsumerRecord } from '../definition/context.js';
import { readsData, readsKey } from '../definition/check-filter.js';
import type { FilterFields, FilterPattern, FilterValues } from '../definition/filter-pattern.js';
import { compileFilterValue, type ValueTest } from './filter-values.js';

export interface RecordFilter {
  /** False when no pattern fits, whatever the payload is. */
  mayMatch(record: ConsumerRecord): boolean;
  /** Whether anything depends on the payload: if not, `mayMatch` is the answer. */
  readonly readsData: boolean;
  matches(record: ConsumerRecord, data: unknown): boolean;
}

export function compileFilter(patterns: readonly FilterPattern[]): RecordFilter {
  const full = anyOf(patterns.map((pattern) => compilePattern(pattern, compileData)));
  const withoutData = anyOf(patterns.map((pattern) => compilePattern(pattern, () => () => true)));
  return {
    readsData: patterns.some(readsData),
    mayMatch: patterns.some(readsKey) ? (record) => test(withoutData, record, undefined) : () => true,
    matches: (record, data) => test(full, record, data),
  };
}

/** What patterns see of a record. */
interface Seen {
  readonly partitionKey: string;
  readonly data: unknown;
}

/** Judges the value at one place of a pattern; `seen` is what the whole pattern looks at. */
type Test = (value: unknown, seen: Seen) => boolean;

function test(compiled: Test, { partitionKey }: ConsumerRecord, data: unknown): boolean {
  const seen = { partitionKey, data };
  return compiled(seen, seen);
}

type CompileData = (data: FilterFields | FilterValues) => Test;
const compileData: CompileData = (data) => compileRule(data, ['data']);

function compilePattern({ data, partitionKey, $or }: FilterPattern, dataTest: CompileData): Test {
  const tests: Test[] = [];
  if (partitionKey !== undefined) tests.push(field('partitionKey', compileValues(partitionKey, ['partitionKey'])));
  if (data !== undefined) tests.push(field('data', dataTest(data)));
  if ($or !== undefined) tests.push(anyOf($or.map((one) => compilePattern(one, dataTest))));
  return allOf(tests);
}

type Path = readonly string[];

function compileRule(rule: FilterFields | FilterValues, path: Path): Test {
  return isList(rule) ? compileValues(rule, path) : compileFields(rule, path);
}

function compileFields(fields: FilterFields, path: Path): Test {
  const all = allOf(
    Object.entries(fields).map(([name, rule]) =>
      // Checked at definition: under $or stand objects with fields, elsewhere fields or values.
      name === '$or'
        ? anyOf((rule as readonly FilterFields[]).map((one) => compileFields(one, path)))
        : field(name, compileRule(rule as FilterFields | FilterValues, [...path, name])),
    ),
  );
  const onElement: Test = (value, seen) => {
    if (!isList(value)) return all(value, seen);
    return value.length === 0 ? all(undefined, seen) : value.some((element) => onElement(element, seen));
  };
  return onElement;
}

function compileValues(values: FilterValues, path: Path): Test {
  const accepted = compileFilterValue(values);
  const mayBeAbsent = values.some((value) => isObject(value) && 'exists' in value && !value['exists']);
  if (!mayBeAbsent) return (value) => someLeaf(value, accepted);
  return (value, seen) => someLeaf(value, accepted) || !leadsToValue(seen, path, 0);
}

/** Own fields only: a payload must not be judged by what every object inherits. */
function field(name: string, inner: Test): Test {
  return (value, seen) => inner(isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined, seen);
}

function allOf(tests: readonly Test[]): Test {
  return (value, seen) => tests.every((one) => one(value, seen));
}

function anyOf(tests: readonly Test[]): Test {
  return (value, seen) => tests.some((one) => one(value, seen));
}

function someLeaf(value: unknown, accepted: ValueTest): boolean {
  if (isList(value)) return value.some((element) => someLeaf(element, accepted));
  return value !== undefined && !isObject(value) && accepted(value);
}

const anyValue: ValueTest = () => true;

function leadsToValue(value: unknown, path: Path, depth: number): boolean {
  const name = path[depth];
  if (name === undefined) return someLeaf(value, anyValue);
  if (isList(value)) return value.some((element) => leadsToValue(element, path, depth));
  return isObject(value) && Object.hasOwn(value, name) && leadsToValue(value[name], path, depth + 1);
}

function isList(value: unknown): value is readonly unknown[] & FilterValues {
  return Array.isArray(value);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
