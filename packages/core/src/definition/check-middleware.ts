/** `use` and `idempotent`: what stands around a handler, checked and made complete. */
import { type At, checkFunction, checkNumber, checkOptions, inside } from './check-values.js';
import { isClass } from './classes.js';
import { show } from './issues.js';
import type {
  Idempotency,
  IdempotencyStoreDescription,
  IdempotencyStoreSource,
  Middleware,
  MiddlewareSource,
} from './middleware.js';

const DAY_MS = 86_400_000;

/** The outermost first. */
export function checkUse(value: unknown, at: At): readonly MiddlewareSource[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) {
    at.issues.add('BAD_VALUE', at.place, `middleware must be a list of functions or tokens, not ${show(value)}.`);
    return [];
  }
  return value.flatMap((one: unknown, index) => checkOne(one, inside(at, String(index))));
}

function checkOne(value: unknown, at: At): readonly MiddlewareSource[] {
  if (typeof value === 'function' && !isClass(value)) {
    const name = value.name === '' ? 'a middleware without a name' : value.name;
    return [Object.freeze({ kind: 'function', name, call: value as Middleware })];
  }
  const instance = typeof value === 'object' && value !== null && 'handle' in value;
  if (isToken(value) && !instance) {
    const name = isClass(value) ? value.name : typeof value === 'string' ? value : String(value);
    return [Object.freeze({ kind: 'token', name, token: value })];
  }
  const found = instance ? 'an object: register it in the container and give its token here' : show(value);
  at.issues.add('BAD_VALUE', at.place, `middleware must be a function or an injection token, not ${found}.`);
  return [];
}

const idempotentNames = ['key', 'store', 'expireAfterMs'];

export interface IdempotentFacts {
  readonly kind: 'record' | 'batch' | 'window';
  /** How the consumer checkpoints. */
  readonly checkpoint: string;
}

export function checkIdempotent(
  value: unknown,
  { kind, checkpoint }: IdempotentFacts,
  at: At,
): Idempotency | undefined {
  if (value === undefined) return undefined;
  if (kind === 'batch') {
    const mend = 'Handle single records, or make the effects of the batch idempotent by item.record.id.';
    at.issues.add(
      'OPTIONS_EXCLUDE',
      at.place,
      `a batch handler cannot be made idempotent: it has no key of its own. ${mend}`,
    );
  }
  if (kind === 'window') {
    const mend = 'Make what emit does idempotent by context.id.';
    at.issues.add('OPTIONS_EXCLUDE', at.place, `a window has no effect of each record to leave out. ${mend}`);
  }
  if (checkpoint === 'manual') {
    const mend =
      'Choose another checkpoint policy: a record that returned and was not declared done must run again, and would be left out.';
    at.issues.add('OPTIONS_EXCLUDE', at.place, `it excludes the checkpoint policy 'manual'. ${mend}`);
  }
  const options = checkOptions(value, idempotentNames, at);
  if (options === undefined) return undefined;
  const store = checkStore(options['store'], at);
  const key = checkFunction(options['key'], { ...at, name: 'key' });
  const expireAfterMs = checkNumber(options['expireAfterMs'], { min: 1000 }, { ...at, name: 'expireAfterMs' });
  if (store === undefined) return undefined;
  return Object.freeze({ store, key: key as Idempotency['key'], expireAfterMs: expireAfterMs ?? DAY_MS });
}

function checkStore(store: unknown, at: At): IdempotencyStoreSource | undefined {
  if (isDescription(store)) return Object.freeze({ kind: 'description', description: store });
  const opened = typeof store === 'object' && store !== null && 'acquire' in store;
  if (isToken(store) && !opened) return Object.freeze({ kind: 'token', token: store });
  const found = opened ? 'an open store: register it in the container and give its token here' : show(store);
  at.issues.add(
    'BAD_VALUE',
    inside(at, 'store').place,
    `the store must be a description such as dynamoDbStore({ tableName: 'handled' }), or an injection token, not ${found}.`,
  );
  return undefined;
}

/** Containers other than tsyringe may use any value as a token, so only what can be none is refused. */
function isToken(value: unknown): boolean {
  return value !== undefined && value !== null && value !== '' && typeof value !== 'boolean';
}

function isDescription(value: unknown): value is IdempotencyStoreDescription {
  return typeof value === 'object' && value !== null && 'store' in value && value.store === 'millrace.idempotencyStore';
}
