/** What can be told of a function at run time: is it a class of the user's? */

export type AnyClass = abstract new (...args: never[]) => object;

/** True for `class` declarations, false for plain functions: only a class's prototype cannot be replaced. */
export function isClass(value: unknown): value is AnyClass {
  return typeof value === 'function' && Object.getOwnPropertyDescriptor(value, 'prototype')?.writable === false;
}

/** Object, String, Array, Uint8Array, Promise, Buffer and their like: what compilers record for types that are no classes. */
export function isBuiltIn(value: unknown): boolean {
  return typeof value === 'function' && (globalThis as Readonly<Record<string, unknown>>)[value.name] === value;
}

/** True when every instance of `derived` is one of `base`. */
export function isSameOrDerived(derived: AnyClass, base: AnyClass): boolean {
  return derived === base || Object.prototype.isPrototypeOf.call(base.prototype as object, derived.prototype as object);
}
