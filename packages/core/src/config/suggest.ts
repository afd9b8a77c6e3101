/** Finds the name that somebody meant. */
import { didYouMean } from '../definition/did-you-mean.js';

export type Suggestion =
  /** The same letters and digits in another case or with other separators. */
  { readonly kind: 'sameLetters'; readonly name: string } | { readonly kind: 'near'; readonly name: string };

export function suggest(given: string, known: readonly string[]): Suggestion | undefined {
  const squashed = squash(given);
  const same = known.find((name) => squash(name) === squashed);
  if (same !== undefined) return { kind: 'sameLetters', name: same };
  const near = didYouMean(given, known);
  return near === undefined ? undefined : { kind: 'near', name: near };
}

/** What is left of a name when case and separators do not count. */
export function squash(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9]/g, '');
}
