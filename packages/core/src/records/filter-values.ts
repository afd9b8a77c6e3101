/** The values of a filter pattern as one function of a single value: literals by a set, operators one after the other. */
import type {
  FilterIgnoreCase,
  FilterRange,
  FilterTexts,
  FilterValue,
  FilterValues,
} from '../definition/filter-pattern.js';

/** Gets anything but objects, arrays and undefined. */
export type ValueTest = (value: unknown) => boolean;

type Operator = Extract<FilterValue, object>;

export function compileFilterValue(values: FilterValues): ValueTest {
  const literals = new Set<unknown>(values.filter((value) => !isOperator(value)));
  const operators = values.filter(isOperator).map(compileOperator);
  if (operators.length === 0) return (value) => literals.has(plain(value));
  return (value) => literals.has(plain(value)) || operators.some((fits) => fits(plain(value)));
}

function isOperator(value: FilterValue): value is Operator {
  return typeof value === 'object' && value !== null;
}

/** Decoding functions may give 64-bit integers; patterns are written with numbers. */
function plain(value: unknown): unknown {
  return typeof value === 'bigint' ? Number(value) : value;
}

function compileOperator(operator: Operator): ValueTest {
  // `exists: false` is judged by the path and fits no value.
  if ('exists' in operator) return () => operator.exists;
  if ('prefix' in operator) return affix(operator.prefix, 'startsWith');
  if ('suffix' in operator) return affix(operator.suffix, 'endsWith');
  if ('equals-ignore-case' in operator) return ignoringCase(operator['equals-ignore-case']);
  if ('numeric' in operator) return inRange(operator.numeric);
  return anythingBut(operator['anything-but']);
}

function affix(wanted: string | FilterIgnoreCase, compare: 'startsWith' | 'endsWith'): ValueTest {
  if (typeof wanted === 'string') return (value) => typeof value === 'string' && value[compare](wanted);
  const lower = wanted['equals-ignore-case'].toLowerCase();
  return (value) => typeof value === 'string' && value.toLowerCase()[compare](lower);
}

function ignoringCase(wanted: string): ValueTest {
  const lower = wanted.toLowerCase();
  return (value) => typeof value === 'string' && value.toLowerCase() === lower;
}

function inRange([comparison, bound, below, upper]: FilterRange): ValueTest {
  const first = compare(comparison, bound);
  if (below === undefined || upper === undefined) return (value) => typeof value === 'number' && first(value);
  const second = compare(below, upper);
  return (value) => typeof value === 'number' && first(value) && second(value);
}

function compare(comparison: FilterRange[0] | '<' | '<=', bound: number): (value: number) => boolean {
  switch (comparison) {
    case '=':
      return (value) => value === bound;
    case '<':
      return (value) => value < bound;
    case '<=':
      return (value) => value <= bound;
    case '>':
      return (value) => value > bound;
    case '>=':
      return (value) => value >= bound;
    default:
      return comparison satisfies never;
  }
}

type AnythingBut = Extract<Operator, { 'anything-but': unknown }>['anything-but'];

function anythingBut(refused: AnythingBut): ValueTest {
  if (isTexts(refused)) {
    const fits = compileTexts(refused);
    return (value) => !fits.some((one) => one(value));
  }
  const values = new Set<unknown>(list<string | number>(refused));
  return (value) => !values.has(value);
}

function compileTexts(texts: FilterTexts): readonly ValueTest[] {
  if ('prefix' in texts) return list(texts.prefix).map((one) => affix(one, 'startsWith'));
  if ('suffix' in texts) return list(texts.suffix).map((one) => affix(one, 'endsWith'));
  return list(texts['equals-ignore-case']).map(ignoringCase);
}

function isTexts(refused: AnythingBut): refused is FilterTexts {
  return typeof refused === 'object' && !Array.isArray(refused);
}

function list<T extends string | number>(value: T | readonly T[]): readonly T[] {
  return typeof value === 'object' ? value : [value];
}
