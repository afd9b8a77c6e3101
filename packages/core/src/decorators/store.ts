/**
 * What decorators wrote down, class by class. They only append here; `readDefinition` is the only reader, so nothing
 * happens at import time and nothing depends on the order in which modules load.
 */

// Compilers record parameter types only if this is there before the user's classes are.
import './metadata.js';
import { DefinitionError } from '../errors.js';
import type { HookName } from '../definition/definition.js';
import { Issues } from '../definition/issues.js';

export type Declaration =
  | {
      readonly kind: 'consumer';
      readonly stream: unknown;
      readonly applicationName: unknown;
      readonly options: unknown;
    }
  | { readonly kind: 'checkpoint'; readonly policy: unknown }
  | { readonly kind: 'retry'; readonly options: unknown; readonly member: Member | undefined }
  | { readonly kind: 'concurrency'; readonly options: unknown }
  | { readonly kind: 'circuitBreaker'; readonly options: unknown }
  | {
      readonly kind: 'deadLetter';
      readonly sink: unknown;
      readonly options: unknown;
      readonly member: Member | undefined;
    }
  | { readonly kind: 'filter'; readonly patterns: readonly unknown[] }
  | { readonly kind: 'record' | 'batch' | 'window'; readonly options: unknown; readonly member: Member }
  | { readonly kind: 'use'; readonly middleware: unknown; readonly member: Member | undefined }
  | { readonly kind: 'idempotent'; readonly options: unknown; readonly member: Member | undefined }
  | { readonly kind: 'hook'; readonly hook: HookName; readonly member: Member };

/** What a decorator stood on. `class` is a member decorator that was put on the class itself. */
export interface Member {
  readonly key: PropertyKey;
  readonly placement: 'method' | 'static' | 'accessor' | 'field' | 'parameter' | 'class';
}

/** Kept under a registered symbol, so that two copies of this package in one program see the same declarations. */
const storeKey = Symbol.for('millrace.declarations');
const shared = globalThis as { [storeKey]?: WeakMap<object, Declaration[]> };
const store = (shared[storeKey] ??= new WeakMap());

/** The class's own declarations in the order of evaluation: members as they stand, stacked ones from the bottom up. */
export function ownDeclarations(target: object): readonly Declaration[] {
  return store.get(target) ?? [];
}

export function recordOnClass(decorator: string, target: object, declaration: Declaration): void {
  if (typeof target !== 'function') throw wrongDialect(decorator, 'it does not stand on a class');
  const own = store.get(target);
  if (own === undefined) store.set(target, [declaration]);
  else own.push(declaration);
}

/** The arguments of a legacy decorator, whatever it was put on. */
export type DecoratorArguments = readonly [target: object, key?: unknown, descriptor?: unknown];

/** Finds out what a member decorator stands on, and records it on the class. */
export function recordOnMember(
  decorator: string,
  [target, key, descriptor]: DecoratorArguments,
  declare: (member: Member) => Declaration,
): void {
  if (isStandardContext(key)) throw standardDecorators(decorator, key);
  const isStatic = typeof target === 'function';
  const owner = isStatic ? target : (target as { readonly constructor: object }).constructor;
  const named = typeof key === 'string' || typeof key === 'symbol';
  const placement = named ? placementOf(isStatic, descriptor) : 'class';
  recordOnClass(decorator, owner, declare({ key: named ? key : 'constructor', placement }));
}

function placementOf(isStatic: boolean, descriptor: unknown): Member['placement'] {
  if (typeof descriptor === 'number') return 'parameter';
  if (isStatic) return 'static';
  if (descriptor === undefined) return 'field';
  return typeof (descriptor as PropertyDescriptor).value === 'function' ? 'method' : 'accessor';
}

interface StandardContext {
  readonly name: string | symbol;
  readonly private?: boolean;
}

/** Compilers without `experimentalDecorators` call decorators with a context object as the second argument. */
export function isStandardContext(value: unknown): value is StandardContext {
  return typeof value === 'object' && value !== null && 'kind' in value && 'addInitializer' in value;
}

/** Nothing can be recorded then: a method decorator of that dialect is not told its class. */
export function standardDecorators(decorator: string, context: StandardContext): DefinitionError {
  if (context.private !== true) return wrongDialect(decorator, 'the compiler emits standard decorators');
  const issues = new Issues();
  const name = String(context.name);
  const text = `a private method cannot be called from outside its class. Make it public: ${name.replace('#', '')}.`;
  issues.add('PRIVATE_HANDLER', { path: [name], label: `${name} (${decorator})` }, text);
  return new DefinitionError(issues.found);
}

function wrongDialect(decorator: string, why: string): DefinitionError {
  const issues = new Issues();
  const mend =
    'Set "experimentalDecorators": true and "emitDecoratorMetadata": true in the tsconfig.json that covers this file';
  issues.add('STANDARD_DECORATORS', { path: [decorator], label: decorator }, `${why}. ${mend}.`);
  return new DefinitionError(issues.found);
}
