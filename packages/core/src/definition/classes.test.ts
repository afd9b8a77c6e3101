import { describe, expect, it } from 'vitest';
import { isBuiltIn, isClass, isSameOrDerived } from './classes.js';

class Base {}
class Derived extends Base {}

describe('isClass', () => {
  it('tells classes from functions and other values', () => {
    const found = [Base, Derived, Map, () => 1, function old() {}, 'Base', undefined].map(isClass);
    expect(found).toEqual([true, true, true, false, false, false, false]);
  });
});

describe('isBuiltIn', () => {
  it('knows the classes of the language and not those of users, whatever their names', () => {
    const imposter = { Map: class Map {} }.Map;
    expect([String, Uint8Array, Buffer, Promise, Base, imposter, 'String'].map(isBuiltIn)).toEqual([
      true,
      true,
      true,
      true,
      false,
      false,
      false,
    ]);
  });
});

describe('isSameOrDerived', () => {
  it('follows inheritance in one direction', () => {
    expect(isSameOrDerived(Base, Base)).toBe(true);
    expect(isSameOrDerived(Derived, Base)).toBe(true);
    expect(isSameOrDerived(Base, Derived)).toBe(false);
  });
});
