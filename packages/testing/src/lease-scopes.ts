/** The worker's container as a bed lends it: the same scopes, with the bed's sink behind the tokens of sinks. */
import type { ConsumerDefinition, ContainerPort, DeadLetterSink, ResolvedDeadLetter, Scope } from '@millrace/core';

export interface LeaseScopesOptions {
  readonly container: ContainerPort;
  readonly definition: ConsumerDefinition;
  /** Given for every token of a sink, unless the test has its own. */
  readonly sink: DeadLetterSink;
  /** Tokens that the test gave something for. */
  readonly given: ReadonlySet<unknown>;
}

export class LeaseScopes {
  readonly port: ContainerPort;
  /** As declared, with instances remembered as they are made. */
  readonly definition: ConsumerDefinition;
  readonly #shards = new WeakMap<Scope, string>();
  readonly #instances = new Map<string, object>();

  constructor({ container, definition, sink, given }: LeaseScopesOptions) {
    const sinkTokens = new Set(
      declaredSinks(definition)
        .flatMap(tokenOf)
        .filter((token) => !given.has(token)),
    );
    this.port = {
      openScope: async (shard) => {
        const inner = await container.openScope(shard);
        // The token says what it stands for.
        const scope: Scope = {
          resolve: <T>(token: unknown) =>
            sinkTokens.has(token) ? Promise.resolve(sink as T) : inner.resolve<T>(token),
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

  async #make({ instance: source }: ConsumerDefinition, scope: Scope): Promise<object> {
    const instance = source.kind === 'class' ? await scope.resolve<object>(source.target) : await source.create(scope);
    const shardId = this.#shards.get(scope);
    if (shardId !== undefined) this.#instances.set(shardId, instance);
    return instance;
  }
}

/** Every dead letter of the consumer and of its handlers. */
export function declaredSinks({ deadLetter, handlers }: ConsumerDefinition): readonly ResolvedDeadLetter[] {
  return [deadLetter, ...handlers.map((handler) => handler.deadLetter)].filter((declared) => declared !== undefined);
}

function tokenOf({ sink }: ResolvedDeadLetter): unknown[] {
  return sink.kind === 'token' ? [sink.token] : [];
}
