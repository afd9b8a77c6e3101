/** The only reader of what decorators recorded. */
import { buildDefinition } from '../definition/build-definition.js';
import { isClass } from '../definition/classes.js';
import { decoratorWords, type DeclaredDeadLetter, type DeclaredHandler } from '../definition/declared.js';
import type { WindowContext } from '../definition/context.js';
import type { ConsumerClass, ConsumerDefinition, Hook, HookName, WindowHandler } from '../definition/definition.js';
import type { Emit } from '../definition/handler-options.js';
import { Issues, show } from '../definition/issues.js';
import { DefinitionError, MillraceError } from '../errors.js';
import { metadata } from './metadata.js';
import {
  checkMembers,
  classChain,
  filterOf,
  type HandlerDeclaration,
  handlersOf,
  hookMember,
  nearest,
} from './read-members.js';
import type { Member } from './store.js';

const definitions = new WeakMap<object, ConsumerDefinition>();

/**
 * The definition of a decorated class; the same object at every call.
 *
 * @throws DefinitionError with every mistake in `issues`.
 */
export function readDefinition(target: ConsumerClass): ConsumerDefinition {
  const known = definitions.get(target);
  if (known !== undefined) return known;
  const definition = read(target);
  definitions.set(target, definition);
  return definition;
}

function read(target: ConsumerClass): ConsumerDefinition {
  const chain = classChain(target);
  const consumer = nearest(chain, 'consumer');
  if (consumer === undefined) throw notAConsumer(target);
  const { name } = target;
  const issues = new Issues();
  checkMembers(chain, name, issues);
  const handlers = handlersOf(chain);
  for (const { member } of handlers) checkOverride(target, member, issues);
  return buildDefinition(
    {
      name,
      words: decoratorWords,
      stream: consumer.stream,
      applicationName: consumer.applicationName,
      options: consumer.options,
      instance: { kind: 'class', target },
      handlers: handlers.map((handler) => declareHandler(target, chain, handler)),
      hooks: {
        initialize: declareHook(chain, 'initialize'),
        shardEnd: declareHook(chain, 'shardEnd'),
        leaseLost: declareHook(chain, 'leaseLost'),
        shutdownRequested: declareHook(chain, 'shutdownRequested'),
      },
      checkpoint: nearest(chain, 'checkpoint')?.policy,
      retry: nearest(chain, 'retry')?.options,
      deadLetter: nearest(chain, 'deadLetter'),
      concurrency: nearest(chain, 'concurrency')?.options,
      filter: filterOf(chain),
      use: nearest(chain, 'use')?.middleware,
      idempotent: nearest(chain, 'idempotent')?.options,
      circuitBreaker: nearest(chain, 'circuitBreaker')?.options,
    },
    issues.found,
  );
}

function notAConsumer(target: unknown): DefinitionError {
  const issues = new Issues();
  const name = isClass(target) ? target.name : show(target);
  const text = isClass(target)
    ? "the class has no @KinesisConsumer. Add @KinesisConsumer('stream', 'application-name') above it."
    : 'this is no class. Give a class with @KinesisConsumer, or what defineConsumer returned.';
  issues.add('DECORATOR_WITHOUT_CONSUMER', { path: [name], label: name }, text);
  return new DefinitionError(issues.found);
}

/** What is misplaced has been reported; an override may still have turned a method into something else. */
function checkOverride(target: ConsumerClass, { key, placement }: Member, issues: Issues): void {
  if (placement !== 'method') return;
  const found: unknown = (target.prototype as Readonly<Record<PropertyKey, unknown>>)[key];
  if (typeof found === 'function') return;
  const name = String(key);
  const text = 'a subclass overrides the handler with something that is no method. Override it with a method.';
  issues.add('NOT_A_METHOD', { path: [target.name, name], label: `${target.name}.${name}` }, text);
}

function declareHandler(
  target: ConsumerClass,
  chain: readonly object[],
  { kind, options, member }: HandlerDeclaration,
): DeclaredHandler {
  return {
    kind,
    name: String(member.key),
    options,
    emit: kind === 'window' ? declareEmit(target, options) : undefined,
    retry: nearest(chain, 'retry', member.key)?.options,
    deadLetter: nearest(chain, 'deadLetter', member.key) satisfies DeclaredDeadLetter | undefined,
    use: nearest(chain, 'use', member.key)?.middleware,
    idempotent: nearest(chain, 'idempotent', member.key)?.options,
    parameter: recordedParameter(chain, member),
    call: (instance, payload, context) => invoke(instance, member.key, [payload, context]),
  };
}

/** The name of a method is looked for now, so that a wrong one is a mistake of the declaration. */
function declareEmit(target: ConsumerClass, options: unknown): WindowHandler['emit'] | undefined {
  const emit = (options as { readonly emit?: unknown } | undefined)?.emit;
  if (typeof emit === 'function')
    return (_, state, context) => (emit as Emit<unknown>)(state, context as WindowContext);
  if (typeof emit !== 'string') return undefined;
  const method: unknown = (target.prototype as Readonly<Record<string, unknown>>)[emit];
  return typeof method === 'function'
    ? (instance, state, context) => invoke(instance, emit, [state, context])
    : undefined;
}

function declareHook(chain: readonly object[], name: HookName): Hook | undefined {
  const member = hookMember(chain, name);
  return member && { name: String(member.key), call: (instance, context) => invoke(instance, member.key, [context]) };
}

/** The type that the compiler wrote down for the first parameter, next to the nearest declaration of the member. */
function recordedParameter(chain: readonly object[], { key, placement }: Member): unknown {
  if (placement !== 'method') return undefined;
  for (const target of chain) {
    const prototype = (target as { readonly prototype: object }).prototype;
    const types: unknown = metadata.getOwnMetadata('design:paramtypes', prototype, key as string | symbol);
    if (Array.isArray(types)) return types[0];
  }
  return undefined;
}

/** Looked up at each call, so that overrides and test doubles on the instance count. */
function invoke(instance: object, key: PropertyKey, values: readonly unknown[]): unknown {
  const method: unknown = (instance as Readonly<Record<PropertyKey, unknown>>)[key];
  if (typeof method === 'function') return Reflect.apply(method, instance, values);
  throw new MillraceError(
    'INJECTION_FAILED',
    `The container gave an instance without the method ${String(key)}. Let it build the class that was declared.`,
  );
}
