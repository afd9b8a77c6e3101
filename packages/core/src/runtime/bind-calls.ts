/** What each handler of a lease is called through: itself, or its middleware around it. Composed once, before the first record. */
import type { ResolvedConsumer } from '../config/resolved.js';
import type { Handler } from '../definition/definition.js';
import type {
  HandlerContext,
  Idempotency,
  IdempotencyStoreDescription,
  MiddlewareService,
  MiddlewareSource,
} from '../definition/middleware.js';
import { MillraceError } from '../errors.js';
import type { Clock, IdempotencyStore, Scope } from '../ports.js';
import { once } from './idempotent.js';
import { around, type Call, type NamedMiddleware } from './middleware.js';

/** Calls a handler with all that stands around it. Gives what the handler gave, or a LeftOut. */
export type Invoke = (handler: Handler, payload: unknown, context: HandlerContext) => unknown;

export interface BindCallsOptions {
  readonly consumer: ResolvedConsumer;
  readonly instance: object;
  readonly scope: Scope;
  readonly stores: ReadonlyMap<IdempotencyStoreDescription, IdempotencyStore>;
  readonly clock: Clock;
}

/** @throws MillraceError INJECTION_FAILED when a token gives no middleware, IDEMPOTENCY_FAILED when one gives no store. */
export async function bindCalls(options: BindCallsOptions): Promise<Invoke> {
  const { consumer, instance } = options;
  const { handlers } = consumer.definition;
  const surrounded = new Map<Handler, Call>();
  const resolved = new Map<unknown, NamedMiddleware>();
  for (const handler of handlers) {
    const call = await surround(handler, resolved, options);
    if (call !== undefined) surrounded.set(handler, call);
  }
  // Most consumers have no middleware: they pay nothing for it.
  if (surrounded.size === 0) return (handler, payload, context) => handler.call(instance, payload, context);
  return (handler, payload, context) => {
    const call = surrounded.get(handler);
    return call === undefined ? handler.call(instance, payload, context) : call(payload, context);
  };
}

async function surround(
  handler: Handler,
  resolved: Map<unknown, NamedMiddleware>,
  options: BindCallsOptions,
): Promise<Call | undefined> {
  const { instance, consumer } = options;
  const idempotency = handler.kind === 'record' ? handler.idempotent : undefined;
  if (handler.use.length === 0 && idempotency === undefined) return undefined;
  let call: Call = (payload, context) => handler.call(instance, payload, context);
  for (const source of handler.use.toReversed()) call = around(await bind(source, resolved, options.scope), call);
  if (idempotency === undefined) return call;
  const { applicationName, stream, definition } = consumer;
  const { timeoutMs } = handler.retry ?? definition.retry;
  const prefix = `${applicationName}:${stream}:${encodeURIComponent(handler.name)}:`;
  return once(
    { idempotency, store: await storeOf(idempotency, options), prefix, timeoutMs, clock: options.clock },
    call,
  );
}

async function bind(
  source: MiddlewareSource,
  resolved: Map<unknown, NamedMiddleware>,
  scope: Scope,
): Promise<NamedMiddleware> {
  const { name } = source;
  switch (source.kind) {
    case 'function':
      return { name, handle: source.call };
    case 'token': {
      const known = resolved.get(source.token);
      if (known !== undefined) return known;
      const service = await scope.resolve<unknown>(source.token);
      if (!isMiddleware(service)) {
        const message = `The injection token ${name} of @Use gives something without handle(context, next).`;
        throw new MillraceError('INJECTION_FAILED', message);
      }
      const middleware: NamedMiddleware = { name, handle: (context, next) => service.handle(context, next) };
      resolved.set(source.token, middleware);
      return middleware;
    }
    default:
      return source satisfies never;
  }
}

async function storeOf({ store }: Idempotency, { scope, stores }: BindCallsOptions): Promise<IdempotencyStore> {
  switch (store.kind) {
    case 'description': {
      const opened = stores.get(store.description);
      if (opened !== undefined) return opened;
      throw new MillraceError('IDEMPOTENCY_FAILED', `The idempotency store "${store.description.label}" is not open.`);
    }
    case 'token': {
      const resolved = await scope.resolve<unknown>(store.token);
      if (isStore(resolved)) return resolved;
      const message = 'The injection token of @Idempotent gives something without acquire(), complete() and release().';
      throw new MillraceError('IDEMPOTENCY_FAILED', message);
    }
    default:
      return store satisfies never;
  }
}

function isMiddleware(value: unknown): value is MiddlewareService {
  return typeof value === 'object' && value !== null && 'handle' in value && typeof value.handle === 'function';
}

function isStore(value: unknown): value is IdempotencyStore {
  return typeof value === 'object' && value !== null && 'acquire' in value && typeof value.acquire === 'function';
}
