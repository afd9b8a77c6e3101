/**
 * What a constructor asks for, as the compiler and `@inject` wrote it down. tsyringe passes `undefined` for what was not
 * written down, without a word, so it is looked at here first.
 */
import { metadata } from '../decorators/metadata.js';
import { isBuiltIn } from '../definition/classes.js';

export type Parameter =
  /** Named by @inject; its token, and whether nothing may be there. */
  | { readonly kind: 'token'; readonly token: unknown; readonly optional: boolean }
  | { readonly kind: 'class'; readonly target: AnyConstructor }
  | { readonly kind: 'unusable'; readonly why: Unusable };

export type Unusable =
  /** The compiler recorded nothing. */
  | { readonly kind: 'noMetadata' }
  /** The class was not there yet: two modules import each other. */
  | { readonly kind: 'importCycle' }
  /** An interface, a union, an `import type`, or a type alias. */
  | { readonly kind: 'vague' }
  /** String, Number, Map: nothing that a container can build. */
  | { readonly kind: 'builtIn'; readonly name: string };

// tsyringe's own type; `any` is what its parameters are.
export type AnyConstructor = new (...args: never[]) => object;

export interface ConstructorFacts {
  /** The class whose constructor runs: the class itself, or the base it inherits the constructor from. */
  readonly owner: AnyConstructor;
  readonly parameters: readonly Parameter[];
}

const typesKey = 'design:paramtypes';
/** Where tsyringe's @inject writes. */
const tokensKey = 'injectionTokens';

export function constructorFacts(target: AnyConstructor): ConstructorFacts {
  const owner = constructorOwner(target);
  const types = ownMetadata(typesKey, owner) as readonly unknown[] | undefined;
  const tokens = (ownMetadata(tokensKey, owner) ?? {}) as Readonly<Record<string, unknown>>;
  const named = Object.keys(tokens).map((index) => Number(index) + 1);
  const count = Math.max(owner.length, types?.length ?? 0, ...named);
  const parameters = Array.from({ length: count }, (_, index): Parameter => {
    const token = tokens[String(index)];
    return token === undefined ? fromType(types, index) : fromToken(token);
  });
  return { owner, parameters };
}

function fromToken(given: unknown): Parameter {
  const described = typeof given === 'object' && given !== null && 'token' in given ? given : { token: given };
  return {
    kind: 'token',
    token: described.token,
    optional: 'isOptional' in described && described.isOptional === true,
  };
}

function fromType(types: readonly unknown[] | undefined, index: number): Parameter {
  const type = types?.[index];
  if (types === undefined) return { kind: 'unusable', why: { kind: 'noMetadata' } };
  if (type === undefined) return { kind: 'unusable', why: { kind: 'importCycle' } };
  if (type === Object || type === Function || typeof type !== 'function') {
    return { kind: 'unusable', why: { kind: 'vague' } };
  }
  if (isBuiltIn(type)) return { kind: 'unusable', why: { kind: 'builtIn', name: type.name } };
  return { kind: 'class', target: type as AnyConstructor };
}

/** A class without a constructor of its own runs its base's, and so do its bases. */
function constructorOwner(target: AnyConstructor): AnyConstructor {
  let one = target;
  while (!hasOwnConstructor(one)) {
    const base: unknown = Object.getPrototypeOf(one);
    if (typeof base !== 'function' || base === Function.prototype) return target;
    one = base as AnyConstructor;
  }
  return one;
}

function hasOwnConstructor(target: AnyConstructor): boolean {
  const recorded = ownMetadata(typesKey, target) !== undefined || ownMetadata(tokensKey, target) !== undefined;
  // `constructor() { super('fake') }` leaves neither metadata nor a length; only its source tells.
  return (
    recorded || target.length > 0 || /(?:^|[^.\w$])constructor\s*\(/.test(Function.prototype.toString.call(target))
  );
}

function ownMetadata(key: string, target: object): unknown {
  return metadata.getOwnMetadata(key, target);
}
