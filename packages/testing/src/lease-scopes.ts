/** The worker's container as a bed lends it: the same scopes, with the bed's sink behind the tokens of sinks. */
import type {
  ConsumerDefinition,
  ContainerPort,
  DeadLetterEntry,
  DeadLetterSink,
  IdempotencyStore,
  ResolvedDeadLetter,
  Scope,
} from '@millrace/core';
import { declaredStores } from './bed-store.js';

export interface LeaseScopesOptions {
  readonly container: ContainerPort;
  readonly definition: ConsumerDefinition;
  /** Given for every token of a sink, unless the test has its own. */
  readonly sink: DeadLetterSink;
  /** Given for every token of an idempotency store, unless the test has its own. */
  readonly store: IdempotencyStore;
  /** Tokens that the test gave something for. */
  readonly given: ReadonlySet<unknown>;
  /** A sink of the test's own has taken an entry. */
  readonly onParked: (entry: DeadLetterEntry) => void;
}

export class LeaseScopes {
  readonly port: ContainerPort;
  /** As declared, with instances remembered as they are made. */
  readonly definition: ConsumerDefinition;
  readonly #options: LeaseScopesOptions;
  readonly #sinkTokens: ReadonlySet<unknown>;
  readonly #storeTokens: ReadonlySet<unknown>;
  readonly #shards = new WeakMap<Scope, string>();
  readonly #instances = new Map<string, object>();

  constructor(options: LeaseScopesOptions) {
    const { container, definition } = options;
    this.#options = options;
    this.#sinkTokens = new Set(declaredSinks(definition).flatMap(tokenOf));
    this.#storeTokens = new Set(
      declaredStores(definition).flatMap((store) => (store.kind === 'token' ? [store.token] : [])),
    );
    this.port = {
      openScope: async (shard) => {
        const inner = await container.openScope(shard);
        const scope: Scope = {
          // The token says what it stands for.
          resolve: <T>(token: unknown) => this.#resolve(token, inner) as Promise<T>,
          ...(inner.openChild === undefined ? {} : { openChild: inner.openChild.bind(inner) }),
          dispose: () => inner.dispose(),
        };
        this.#shards.set(scope, shard.shardId);
        return scope;
      },
    };
    this.definition = {
      ...definition,
      instance: { kind: 'factory', create: (scope) => this.#make(definition, scope) },
    };
  }

  /** The consumer's instance of the shard's last lease. */
  instanceOf(shardId: string): object | undefined {
    return this.#instances.get(shardId);
  }

  async #resolve(token: unknown, inner: Scope): Promise<unknown> {
    if (this.#sinkTokens.has(token)) return this.#sink(token, inner);
    const { given, store } = this.#options;
    return this.#storeTokens.has(token) && !given.has(token) ? store : inner.resolve<unknown>(token);
  }

  async #sink(token: unknown, inner: Scope): Promise<unknown> {
    const { given, sink, onParked } = this.#options;
    if (!given.has(token)) return sink;
    const own = await inner.resolve<unknown>(token);
    return isSink(own) ? observed(own, onParked) : own;
  }

  async #make({ instance: source }: ConsumerDefinition, scope: Scope): Promise<object> {
    const instance = source.kind === 'class' ? await scope.resolve<object>(source.target) : await source.create(scope);
    const shardId = this.#shards.get(scope);
    if (shardId !== undefined) this.#instances.set(shardId, instance);
    return instance;
  }
}

/** The test's own sink, with a look at what it acknowledges: the invariants need to know. */
function observed(sink: DeadLetterSink, onParked: (entry: DeadLetterEntry) => void): DeadLetterSink {
  return {
    durable: sink.durable,
    write: async (entry, signal) => {
      await sink.write(entry, signal);
      onParked(entry);
    },
    close: () => sink.close(),
  };
}

function isSink(value: unknown): value is DeadLetterSink {
  return typeof value === 'object' && value !== null && 'write' in value && typeof value.write === 'function';
}

/** Every dead letter of the consumer and of its handlers. */
export function declaredSinks({ deadLetter, handlers }: ConsumerDefinition): readonly ResolvedDeadLetter[] {
  return [deadLetter, ...handlers.map((handler) => handler.deadLetter)].filter((declared) => declared !== undefined);
}

function tokenOf({ sink }: ResolvedDeadLetter): unknown[] {
  return sink.kind === 'token' ? [sink.token] : [];
}
