/** The single values of a filter pattern: literals, and objects with one operator. */
import { type At, inside, type PlainOptions } from './check-values.js';
import { didYouMean } from './did-you-mean.js';
import { show } from './issues.js';

type Refuse = (at: At, text: string) => void;

/** What is wrong with an operator's operand, as the rest of a sentence; undefined when nothing is. */
type CheckOperand = (operand: unknown) => string | undefined;

const text: CheckOperand = (operand) => (isText(operand) ? undefined : `must be a text, not ${show(operand)}.`);

const textOrIgnoreCase: CheckOperand = (operand) => {
  if (isText(operand)) return undefined;
  const names = Object.keys(Object(operand) as object);
  const ignoring = names.length === 1 && isText((operand as PlainOptions)['equals-ignore-case']);
  return ignoring ? undefined : `must be a text, or { 'equals-ignore-case': 'text' }, not ${show(operand)}.`;
};

const operators: Readonly<Record<string, CheckOperand>> = {
  exists: (operand) => (typeof operand === 'boolean' ? undefined : `must be true or false, not ${show(operand)}.`),
  prefix: textOrIgnoreCase,
  suffix: textOrIgnoreCase,
  'equals-ignore-case': text,
  numeric: checkNumeric,
  'anything-but': checkAnythingBut,
};
const names = Object.keys(operators);

/** Operators of EventBridge that Lambda's filters do not take. */
const elsewhere = new Set(['wildcard', 'cidr']);

export function checkFilterValue(value: unknown, at: At, refuse: Refuse): void {
  if (isLiteral(value)) return;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    refuse(at, `must be a text, a number, true, false, null, or an object with an operator, not ${show(value)}.`);
    return;
  }
  const entries = Object.entries(value);
  const [first] = entries;
  if (first === undefined || entries.length > 1) {
    refuse(at, `must have exactly one operator (${names.join(', ')}), not ${entries.length}.`);
    return;
  }
  const [name, operand] = first;
  const check = Object.hasOwn(operators, name) ? operators[name] : undefined;
  if (check === undefined) refuse(inside(at, name), unknownOperator(name));
  else {
    const wrong = check(operand);
    if (wrong !== undefined) refuse(inside(at, name), wrong);
  }
}

function unknownOperator(name: string): string {
  const meant = didYouMean(name, names);
  if (meant !== undefined) return `there is no such operator. Did you mean '${meant}'?`;
  if (elsewhere.has(name)) return 'is an operator of EventBridge that filters do not have. Use when of a handler.';
  return `there is no such operator. Operators are ${names.join(', ')}; fields are objects and stand in no list.`;
}

function isLiteral(value: unknown): boolean {
  return value === null || typeof value === 'boolean' || isText(value) || isNumber(value);
}

const lower = ['>', '>='];
const upper = ['<', '<='];

function checkNumeric(operand: unknown): string | undefined {
  const shape = "must be such as ['=', 5], ['<', 5] or ['>', 0, '<=', 5]";
  if (!Array.isArray(operand)) return `${shape}, not ${show(operand)}.`;
  const [comparison, bound, below, limit] = operand as readonly unknown[];
  const one = operand.length === 2 && ['=', ...upper, ...lower].includes(comparison as string) && isNumber(bound);
  if (one) return undefined;
  const two = operand.length === 4 && lower.includes(comparison as string) && upper.includes(below as string);
  if (!two || !isNumber(bound) || !isNumber(limit)) return `${shape}: comparisons and numbers, the lower bound first.`;
  return bound < limit ? undefined : `its lower bound ${bound} is not below its upper bound ${limit}.`;
}

function checkAnythingBut(operand: unknown): string | undefined {
  const shape = 'must be a text, a number, a list of texts or of numbers, or { prefix }, { suffix }, ';
  const wrong = `${shape}{ equals-ignore-case } with a text or a list of texts, not ${show(operand)}.`;
  if (isText(operand) || isNumber(operand) || isListOf(isText, operand) || isListOf(isNumber, operand))
    return undefined;
  if (typeof operand !== 'object' || operand === null || Array.isArray(operand)) return wrong;
  const [first, second] = Object.entries(operand);
  if (first === undefined || second !== undefined) return wrong;
  const [name, texts] = first;
  const known = name === 'prefix' || name === 'suffix' || name === 'equals-ignore-case';
  return known && (isText(texts) || isListOf(isText, texts)) ? undefined : wrong;
}

function isListOf(is: (value: unknown) => boolean, value: unknown): boolean {
  return Array.isArray(value) && value.length > 0 && value.every(is);
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}
