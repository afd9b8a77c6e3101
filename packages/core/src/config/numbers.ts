/** Numbers as the daemon should have read them: whole, in range, and never a zero for what does not parse. */
import type { PropertyType, Unit } from './property-spec.js';
import type { ParsedValue } from './parsed-value.js';
import { bad, good } from './parsed-value.js';

type IntegerType = PropertyType & { readonly kind: 'integer' };
type DoubleType = PropertyType & { readonly kind: 'double' };

export function parseInteger(type: IntegerType, raw: unknown): ParsedValue {
  const value = readInteger(raw);
  if (value === undefined) {
    return bad(
      'WRONG_TYPE',
      `is not a whole number of ${UNIT_NAMES[type.unit]}; KCL would read it as 0.${mendInteger(type.unit, raw)}`,
    );
  }
  if (value >= type.min && value <= type.max) return good(String(value));
  const zero = value === 0 && type.min === 1 ? ' KCL takes a 0 for "not set".' : '';
  return bad('OUT_OF_RANGE', `is out of range: it takes ${describeRange(type)}.${zero}`);
}

const UNIT_NAMES: Readonly<Record<Unit, string>> = {
  milliseconds: 'milliseconds',
  seconds: 'seconds',
  bytes: 'bytes',
  count: 'pieces',
  percent: 'percent',
};

export function describeRange(type: { readonly min: number; readonly max: number }): string {
  const bounded = type.max < Number.MAX_SAFE_INTEGER && type.max !== 2_147_483_647;
  return bounded ? `${type.min} to ${type.max}` : `${type.min} or more`;
}

function readInteger(raw: unknown): number | undefined {
  const value = typeof raw === 'string' && /^[+-]?\d{1,19}$/.test(raw) ? Number(raw) : raw;
  return typeof value === 'number' && Number.isSafeInteger(value) ? value : undefined;
}

const UNIT_FACTORS_MS: ReadonlyMap<string, number> = new Map([
  ['ms', 1],
  ['s', 1000],
  ['sec', 1000],
  ['m', 60_000],
  ['min', 60_000],
  ['h', 3_600_000],
]);

/** `20s` was meant as a time: says what to write instead. */
function mendInteger(unit: Unit, raw: unknown): string {
  const match = typeof raw === 'string' ? /^(\d{1,9}) ?(ms|s|sec|m|min|h)$/i.exec(raw) : null;
  const factorMs = UNIT_FACTORS_MS.get((match?.[2] ?? '').toLowerCase());
  const unitMs = unit === 'milliseconds' ? 1 : unit === 'seconds' ? 1000 : undefined;
  if (match === null || factorMs === undefined || unitMs === undefined) return ' Write digits only.';
  return ` Write ${Math.ceil((Number(match[1]) * factorMs) / unitMs)}.`;
}

export function parseDouble(type: DoubleType, raw: unknown): ParsedValue {
  const value = typeof raw === 'string' && /^[+-]?\d{1,30}(?:\.\d{1,30})?$/.test(raw) ? Number(raw) : raw;
  if (typeof value !== 'number' || !Number.isFinite(value))
    return bad('WRONG_TYPE', 'is not a number; KCL would read it as 0. Write digits and a point.');
  if (value < type.min || value > type.max)
    return bad('OUT_OF_RANGE', `is out of range: it takes ${describeRange(type)}.`);
  return good(String(value));
}

/** A number for a builder method whose type we do not know. */
export function parseDecimal(value: number): ParsedValue {
  return Number.isFinite(value) ? good(String(value)) : bad('WRONG_TYPE', 'is not a finite number.');
}
