/** The container of one worker as the port that the runtime knows: a scope for each shard lease. */
import { LOGGER, SHARD } from '../definition/context.js';
import type { ConsumerClass } from '../definition/definition.js';
import { MillraceError, toError } from '../errors.js';
import type { ContainerPort, Logger, Scope, ShardFacts } from '../ports.js';
import type { AnyConstructor } from './constructor-parameters.js';
import { findMistakes } from './look-ahead.js';
import { Ledger } from './ledger.js';
import { ServiceContainer } from './service-container.js';
import type { DependencyContainer, Override } from './tsyringe.js';

export interface ContainerOptions {
  /** Registers services before anything is resolved; what it registers is disposed with the worker. */
  readonly register?: ((container: DependencyContainer) => void | Promise<void>) | undefined;
  /** Take the place of registrations and classes, for tests; values given here are not disposed. */
  readonly overrides?: readonly Override[] | undefined;
  /** Asked for what is not registered here; it keeps and disposes its own instances. */
  readonly parent?: DependencyContainer | undefined;
  /** What the token LOGGER stands for, unless `register` says otherwise. */
  readonly logger?: Logger | undefined;
}

export interface WorkerContainer {
  readonly port: ContainerPort;
  /** For tests and for embedding: resolves singletons as the consumers get them. */
  readonly container: DependencyContainer;
  /**
   * Looks through the constructors that the class needs, and builds nothing.
   *
   * @throws MillraceError INJECTION_FAILED or METADATA_MISSING with everything that cannot be injected.
   */
  check(target: ConsumerClass): void;
  /** Disposes open scopes, then the worker's own instances, newest first. @throws SCOPE_FAILED after all were disposed */
  dispose(): Promise<void>;
}

/** @throws INJECTION_FAILED when `register` fails, after disposing what it had registered. */
export async function createTsyringeContainer(options: ContainerOptions = {}): Promise<WorkerContainer> {
  const services = new ServiceContainer(options.parent, options.overrides ?? []);
  if (options.logger !== undefined) services.root.register(LOGGER, { useValue: options.logger });
  try {
    await options.register?.(services.root);
  } catch (cause) {
    await services.ledger.disposeAll();
    const message = `The function register failed: ${toError(cause).message}`;
    throw new MillraceError('INJECTION_FAILED', message, { cause });
  }
  const open = new Set<ContainerScope>();
  return {
    port: {
      openScope: (shard) => {
        const scope = new ContainerScope({ services, shard }, () => open.delete(scope));
        open.add(scope);
        return Promise.resolve(scope);
      },
    },
    container: services.root,
    check: (target) => check(services, target),
    dispose: () => disposeWorker(services, open),
  };
}

function check(services: ServiceContainer, target: ConsumerClass): void {
  const mistakes = findMistakes(services, target as unknown as AnyConstructor);
  const [first, second] = mistakes;
  if (first === undefined) return;
  if (second === undefined) throw first;
  const lines = mistakes.map(({ code, message }) => `  - [${code}] ${message}`).join('\n');
  throw new MillraceError(
    'INJECTION_FAILED',
    `${target.name} cannot be built (${mistakes.length} mistakes):\n${lines}`,
    {
      details: { class: target.name, mistakes: mistakes.map(({ code, details }) => ({ code, ...details })) },
      cause: new AggregateError(mistakes),
    },
  );
}

async function disposeWorker(services: ServiceContainer, open: ReadonlySet<ContainerScope>): Promise<void> {
  const failures: Error[] = [];
  const attempt = (disposal: Promise<void>) => disposal.catch((thrown: unknown) => void failures.push(toError(thrown)));
  for (const scope of [...open].toReversed()) await attempt(scope.dispose());
  await attempt(services.ledger.finish('the worker'));
  const [first, second] = failures;
  if (first === undefined) return;
  if (second === undefined) throw first;
  const message = failures.map((failure) => failure.message).join('\n');
  throw new MillraceError('SCOPE_FAILED', message, { cause: new AggregateError(failures) });
}

type Phase =
  | { readonly kind: 'open'; readonly container: DependencyContainer }
  | { readonly kind: 'disposed'; readonly done: Promise<void> };

interface ScopeOptions {
  readonly services: ServiceContainer;
  readonly shard: ShardFacts;
  /** The lease's container, for a scope inside of it. */
  readonly parent?: DependencyContainer;
}

/** A shard lease, or an attempt inside of it: the shard's facts, its instances, one for each token that the runtime asks for. */
class ContainerScope implements Scope {
  readonly #options: ScopeOptions;
  readonly #ledger = new Ledger();
  readonly #resolved = new Map<unknown, unknown>();
  readonly #children = new Set<ContainerScope>();
  readonly #onDisposed: () => void;
  #phase: Phase;

  constructor(options: ScopeOptions, onDisposed: () => void) {
    this.#options = options;
    this.#onDisposed = onDisposed;
    this.#phase = { kind: 'open', container: this.#openContainer() };
  }

  async resolve<T>(token: unknown): Promise<T> {
    const container = this.#opened();
    if (!this.#resolved.has(token)) this.#resolved.set(token, await this.#build(container, token));
    // The token says what it stands for.
    return this.#resolved.get(token) as T;
  }

  async openChild(): Promise<Scope> {
    const { services, shard } = this.#options;
    const child = new ContainerScope({ services, shard, parent: this.#opened() }, () => this.#children.delete(child));
    this.#children.add(child);
    return child;
  }

  dispose(): Promise<void> {
    if (this.#phase.kind === 'open') {
      this.#phase = { kind: 'disposed', done: this.#dispose() };
      this.#onDisposed();
    }
    return this.#phase.done;
  }

  /** What is inside may still use what is built here. */
  async #dispose(): Promise<void> {
    const failures: Error[] = [];
    for (const child of [...this.#children].toReversed())
      await child.dispose().catch((thrown: unknown) => void failures.push(toError(thrown)));
    await this.#ledger.finish(`the shard ${this.#options.shard.shardId}`, failures);
  }

  #opened(): DependencyContainer {
    if (this.#phase.kind === 'open') return this.#phase.container;
    const { shardId } = this.#options.shard;
    const message = `The scope of ${shardId} was disposed; nothing can be resolved in it any more.`;
    throw new MillraceError('SCOPE_FAILED', message, { details: { shardId } });
  }

  async #build(container: DependencyContainer, token: unknown): Promise<unknown> {
    try {
      return container.resolve(token as never);
    } catch (thrown) {
      // The runtime tries again until it succeeds: what a failed attempt left behind must not pile up.
      if (this.#resolved.size === 0) {
        await this.#ledger.disposeAll();
        if (this.#phase.kind === 'open') this.#phase = { kind: 'open', container: this.#openContainer() };
      }
      throw thrown;
    }
  }

  #openContainer(): DependencyContainer {
    const { services, shard, parent } = this.#options;
    const container = services.openChild(this.#ledger, parent);
    container.register(SHARD, { useValue: shard });
    return container;
  }
}
