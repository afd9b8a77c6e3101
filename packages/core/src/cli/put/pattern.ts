/** Records made from a text with placeholders: `{"id":"{{n}}"}`. */
import { didYouMean } from '../../definition/did-you-mean.js';
import { MillraceError } from '../../errors.js';

export interface PatternValues {
  /** 1 for the first record. */
  readonly n: number;
  readonly uuid: string;
  /** ISO 8601, with milliseconds. */
  readonly now: string;
}

const NAMES = ['n', 'uuid', 'now'] as const;
const PLACEHOLDER = /\{\{\s*([^{}]*?)\s*\}\}/g;

/** @throws MillraceError INPUT_INVALID for a placeholder that there is not. */
export function checkPattern(pattern: string): void {
  const unknown = [...pattern.matchAll(PLACEHOLDER)]
    .map(([, name = '']) => name)
    .find((name) => !NAMES.some((known) => known === name));
  if (unknown === undefined) return;
  const near = didYouMean(unknown, NAMES);
  const hint =
    near === undefined ? `Use ${NAMES.map((name) => `{{${name}}}`).join(', ')}.` : `Did you mean {{${near}}}?`;
  throw new MillraceError('INPUT_INVALID', `The pattern has an unknown placeholder {{${unknown}}}. ${hint}`, {
    details: { placeholder: unknown },
  });
}

export function fillPattern(pattern: string, values: PatternValues): string {
  return pattern.replaceAll(PLACEHOLDER, (whole, name: string) => {
    const known = NAMES.find((candidate) => candidate === name);
    return known === undefined ? whole : String(values[known]);
  });
}
