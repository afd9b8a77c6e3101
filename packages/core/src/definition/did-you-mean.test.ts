import { describe, expect, it } from 'vitest';
import { didYouMean, editDistance } from './did-you-mean.js';

const known = ['schema', 'decode', 'type', 'when', 'otherwise'];

describe('didYouMean', () => {
  it.each([
    ['shcema', 'schema'],
    ['Schema', 'schema'],
    ['decoder', 'decode'],
    ['typ', 'type'],
    ['othrwise', 'otherwise'],
  ])('finds what %s meant', (given, meant) => {
    expect(didYouMean(given, known)).toBe(meant);
  });

  it.each(['concurrency', 'x', ''])('does not guess for "%s"', (given) => {
    expect(didYouMean(given, known)).toBeUndefined();
  });
});

describe('editDistance', () => {
  it.each([
    ['', '', 0],
    ['', 'abc', 3],
    ['abc', '', 3],
    ['abc', 'abc', 0],
    ['abc', 'acb', 1],
    ['kitten', 'sitting', 3],
  ])('from "%s" to "%s" is %d', (from, to, distance) => {
    expect(editDistance(from, to)).toBe(distance);
  });
});
