import { expect, it } from 'vitest';
import { readOptions } from './options.js';

it('puts a bounded number of orders unless told otherwise', () => {
  expect(readOptions([])).toEqual({ orders: 400, dropOne: false });
  expect(readOptions(['--orders', '20', '--drop-one'])).toEqual({ orders: 20, dropOne: true });
  expect(readOptions(['--endless'])).toEqual({ orders: Infinity, dropOne: false });
  expect(readOptions(['--help'])).toBe('help');
});

it.each([
  [['--orders', '-1'], /argument/],
  [['--orders', 'many'], /whole number, not "many"/],
  [['--orders', '3', '--endless'], /exclude each other/],
  [['--endles'], /Unknown option '--endles'/],
])('refuses %s', (args, why) => {
  expect(() => readOptions(args)).toThrow(why);
});
