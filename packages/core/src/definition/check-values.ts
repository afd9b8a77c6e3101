/** Checks of single values that several declarations share. */
import { didYouMean } from './did-you-mean.js';
import { type Issues, oneOf, type Place, show } from './issues.js';

export type PlainOptions = Readonly<Record<string, unknown>>;

/** setTimeout turns anything longer into 1 ms, so a longer delay would be none. */
export const TIMER_MAX_MS = 2_147_483_647;
/** The most that `maxInFlight` may be, and so the most records that can wait for anything. */
export const IN_FLIGHT_MAX = 1_000_000;

/** The options as an object, with every unknown name reported; undefined when they are no object. */
export function checkOptions(value: unknown, known: readonly string[], at: At): PlainOptions | undefined {
  if (value === undefined) return {};
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    at.issues.add('BAD_VALUE', at.place, `options must be an object, not ${show(value)}.`);
    return undefined;
  }
  const options = { ...value } as PlainOptions;
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue;
    const meant = didYouMean(name, known);
    const mend = meant === undefined ? `It takes ${known.join(', ')}.` : `Did you mean '${meant}'?`;
    at.issues.add('UNKNOWN_OPTION', inside(at, name).place, `there is no option '${name}'. ${mend}`);
  }
  return options;
}

/** Where something is checked, and where mistakes go. */
export interface At {
  readonly place: Place;
  readonly issues: Issues;
}

export function inside(at: At, name: string): At {
  return { issues: at.issues, place: { label: at.place.label, path: [...at.place.path, name] } };
}

export interface NumberRule {
  readonly min: number;
  readonly max?: number;
  readonly integer?: boolean;
}

export function checkNumber(value: unknown, rule: NumberRule, at: At & { readonly name: string }): number | undefined {
  if (value === undefined) return undefined;
  const { min, max = Number.MAX_SAFE_INTEGER, integer = false } = rule;
  const fits = typeof value === 'number' && value >= min && value <= max && (!integer || Number.isInteger(value));
  if (fits) return value;
  const upTo = max === Number.MAX_SAFE_INTEGER ? '' : ` and at most ${max}`;
  const wanted = `${integer ? 'a whole number' : 'a number'} of at least ${min}${upTo}`;
  at.issues.add('BAD_VALUE', inside(at, at.name).place, `${at.name} must be ${wanted}, not ${show(value)}.`);
  return undefined;
}

export function checkChoice<T extends string>(
  value: unknown,
  choices: readonly T[],
  at: At & { readonly name: string },
): T | undefined {
  if (value === undefined) return undefined;
  const chosen = choices.find((choice) => choice === value);
  if (chosen === undefined) {
    at.issues.add('BAD_VALUE', inside(at, at.name).place, `${at.name} must be ${oneOf(choices)}, not ${show(value)}.`);
  }
  return chosen;
}

export function checkFunction(value: unknown, at: At & { readonly name: string }): Callable | undefined {
  if (value === undefined) return undefined;
  if (typeof value === 'function') return value as Callable;
  at.issues.add('BAD_VALUE', inside(at, at.name).place, `${at.name} must be a function, not ${show(value)}.`);
  return undefined;
}

/** A user's function whose parameters the types have checked already. */
export type Callable = (...args: readonly unknown[]) => unknown;
