import { describe, expect, it } from 'vitest';
import { keyOf, parseKeyRule } from './record-key.js';

describe('the rule for partition keys', () => {
  it.each([
    ['random', { kind: 'random' }],
    ['field:id', { kind: 'field', path: ['id'] }],
    ['field:customer.id', { kind: 'field', path: ['customer', 'id'] }],
    ['literal:a:b c', { kind: 'literal', key: 'a:b c' }],
  ])('reads %s', (text, rule) => {
    expect(parseKeyRule(text)).toEqual(rule);
  });

  it.each(['', 'id', 'field:', 'field:a..b', 'literal:', `literal:${'x'.repeat(257)}`])(
    'does not read "%s"',
    (text) => {
      expect(parseKeyRule(text)).toBeUndefined();
    },
  );
});

describe('the key of a record', () => {
  const noKey = () => 'unused';
  const field = (path: string, value: unknown) => keyOf({ kind: 'field', path: path.split('.') }, value, noKey);

  it('is new for every record under random', () => {
    let n = 0;
    expect(keyOf({ kind: 'random' }, undefined, () => `k${(n += 1)}`)).toEqual({ kind: 'key', key: 'k1' });
    expect(n).toBe(1);
  });

  it.each([
    [{ id: 'a' }, 'a'],
    [{ id: 7 }, '7'],
    [{ id: false }, 'false'],
  ])('is the text, number or boolean of the field', (value, key) => {
    expect(field('id', value)).toEqual({ kind: 'key', key });
  });

  it.each([
    [{}, 'has no field "id", which --key asks for'],
    [null, 'has no field "id", which --key asks for'],
    ['id', 'has no field "id", which --key asks for'],
    [{ id: null }, 'has no text or number in "id", which --key asks for'],
    [{ id: {} }, 'has no text or number in "id", which --key asks for'],
    [{ id: '' }, 'has 0 characters in "id"; a partition key has 1 to 256'],
  ])('cannot be taken from %j', (value, why) => {
    expect(field('id', value)).toEqual({ kind: 'invalid', why });
  });

  it('is not taken from what every object has', () => {
    expect(field('constructor.name', {})).toMatchObject({ kind: 'invalid' });
  });
});
