/** Filter patterns: every mistake with the path to it, because a pattern that fits nothing would drop a whole stream. */
import { type At, inside, type PlainOptions } from './check-values.js';
import { checkFilterValue } from './check-filter-values.js';
import type { Decode, Handler } from './definition.js';
import type { FilterPattern } from './filter-pattern.js';
import { show } from './issues.js';

/** @param declared - a pattern, or a list of which one has to fit. */
export function checkFilter(declared: unknown, at: At): readonly FilterPattern[] | undefined {
  if (declared === undefined) return undefined;
  const patterns: readonly unknown[] = Array.isArray(declared) ? declared : [declared];
  const before = at.issues.found.length;
  if (patterns.length === 0) refuse(at, 'the list of patterns is empty, so no record would fit. Give one pattern.');
  patterns.forEach((pattern, index) => checkPattern(pattern, patterns.length === 1 ? at : inside(at, String(index))));
  if (at.issues.found.length > before) return undefined;
  // What is written later into the user's object must not change what was checked.
  return deepFreeze(structuredClone(patterns)) as readonly FilterPattern[];
}

/**
 * What a filter sees as `data`: what the handlers' common `decode` gives, and the consumer's when they differ. Undefined
 * when a pattern looks at the payload and that is bytes, of which patterns can say nothing.
 */
export function filterDecode(
  patterns: readonly FilterPattern[],
  handlers: readonly Pick<Handler, 'decode'>[],
  consumerDecode: Decode,
): Decode | undefined {
  const decoders = new Set(handlers.map(({ decode }) => decode ?? consumerDecode));
  const [only = consumerDecode] = decoders;
  const decode = decoders.size > 1 ? consumerDecode : only;
  return decode === 'bytes' && patterns.some(readsData) ? undefined : decode;
}

export const BYTES_FILTERED =
  "patterns cannot look at data that is bytes. Say decode: 'json', 'text' or decode with a function, or filter by partitionKey only.";

/** Whether a pattern looks at the payload. */
export function readsData(pattern: FilterPattern): boolean {
  return pattern.data !== undefined || (pattern.$or?.some(readsData) ?? false);
}

/** Whether a pattern looks at anything else. */
export function readsKey(pattern: FilterPattern): boolean {
  return pattern.partitionKey !== undefined || (pattern.$or?.some(readsKey) ?? false);
}

function checkPattern(pattern: unknown, at: At): void {
  if (!isObject(pattern)) {
    const mend = typeof pattern === 'string' ? ' Where it is JSON text, give what JSON.parse makes of it.' : '';
    refuse(at, `a pattern is an object such as { data: { type: ['order'] } }, not ${show(pattern)}.${mend}`);
    return;
  }
  checkNotEmpty(pattern, at);
  for (const [name, rule] of Object.entries(pattern)) checkPart(name, rule, at);
}

function checkPart(name: string, rule: unknown, at: At): void {
  const here = inside(at, name);
  if (name === '$or') checkAlternatives(rule, here, checkPattern);
  else if (name === 'data') checkRule(rule, here);
  else if (name === 'partitionKey') checkValues(rule, here);
  else {
    const mend = `What stands in the payload goes under data: { data: { ${name}: [...] } }.`;
    refuse(here, `patterns look at data and partitionKey, and at nothing else. ${mend}`);
  }
}

function checkRule(rule: unknown, at: At): void {
  if (isObject(rule)) checkFields(rule, at);
  else checkValues(rule, at);
}

function checkFields(fields: PlainOptions, at: At): void {
  checkNotEmpty(fields, at);
  for (const [name, rule] of Object.entries(fields)) {
    if (name === '$or') checkAlternatives(rule, inside(at, name), checkBranch);
    else checkRule(rule, inside(at, name));
  }
}

function checkBranch(branch: unknown, at: At): void {
  if (isObject(branch)) checkFields(branch, at);
  else refuse(at, `an alternative is an object with fields, not ${show(branch)}.`);
}

function checkAlternatives(rule: unknown, at: At, check: (alternative: unknown, at: At) => void): void {
  if (!Array.isArray(rule) || rule.length < 2) {
    refuse(at, "must be a list of at least two alternatives: [{ a: ['x'] }, { b: ['y'] }].");
    return;
  }
  rule.forEach((alternative, index) => check(alternative, inside(at, String(index))));
}

function checkValues(values: unknown, at: At): void {
  if (!Array.isArray(values)) {
    const single = isObject(values) ? '[{ ... }]' : `[${show(values)}]`;
    refuse(at, `must be a list of values, of which one has to fit. Write ${single}.`);
  } else if (values.length === 0) refuse(at, 'the list is empty, so nothing would fit. Name at least one value.');
  else values.forEach((value, index) => checkFilterValue(value, inside(at, String(index)), refuse));
}

function checkNotEmpty(fields: PlainOptions, at: At): void {
  if (Object.keys(fields).length === 0) refuse(at, 'names nothing, so every record would fit. Name a field.');
}

/** Adds the place inside the pattern, `data.total.0`, to the text. */
function refuse(at: At, text: string): void {
  const steps = at.place.path.slice(2).join('.');
  at.issues.add('BAD_FILTER', at.place, steps === '' ? text : `${steps}: ${text}`);
}

function isObject(value: unknown): value is PlainOptions {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  Object.values(value).forEach(deepFreeze);
  return Object.freeze(value);
}
