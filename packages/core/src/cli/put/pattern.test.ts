import { expect, it } from 'vitest';
import { checkPattern, fillPattern } from './pattern.js';

const values = { n: 3, uuid: 'U', now: 'T' };

it('fills every placeholder, with blanks around its name or without', () => {
  expect(fillPattern('{"id":{{n}},"at":"{{ now }}","ref":"{{uuid}}-{{n}}"}', values)).toBe(
    '{"id":3,"at":"T","ref":"U-3"}',
  );
});

it('leaves nested braces of JSON alone', () => {
  expect(fillPattern('{"a":{"b":{"n":{{n}}}}}', values)).toBe('{"a":{"b":{"n":3}}}');
});

it.each([
  ['{"id":"{{uid}}"}', 'Did you mean {{uuid}}?'],
  ['{{something}}', 'Use {{n}}, {{uuid}}, {{now}}.'],
])('refuses the unknown placeholder of %s', (pattern, hint) => {
  expect(() => checkPattern(pattern)).toThrow(expect.objectContaining({ code: 'INPUT_INVALID' }));
  expect(() => checkPattern(pattern)).toThrow(hint);
});

it('accepts the known ones and text without any', () => {
  expect(() => checkPattern('{{n}}{{uuid}}{{now}}')).not.toThrow();
  expect(() => checkPattern('{"a":{"b":1}}')).not.toThrow();
});
