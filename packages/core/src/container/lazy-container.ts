/** For consumers that are built without it: the container, and tsyringe with it, is made when somebody resolves something. */
import type { ContainerPort, Scope, ShardFacts } from '../ports.js';
import type { WorkerContainer } from './worker-container.js';

export interface LazyContainer {
  readonly port: ContainerPort;
  dispose(): Promise<void>;
}

export function lazyContainer(make: () => Promise<WorkerContainer>): LazyContainer {
  let made: Promise<WorkerContainer> | undefined;
  const container = (): Promise<WorkerContainer> => (made ??= make());
  return {
    port: { openScope: (shard) => Promise.resolve(new LazyScope(container, shard)) },
    dispose: async () => (await made)?.dispose(),
  };
}

class LazyScope implements Scope {
  readonly #container: () => Promise<WorkerContainer>;
  readonly #shard: ShardFacts;
  #opening: Promise<Scope> | undefined;
  #disposed = false;

  constructor(container: () => Promise<WorkerContainer>, shard: ShardFacts) {
    this.#container = container;
    this.#shard = shard;
  }

  async resolve<T>(token: unknown): Promise<T> {
    return (await this.#open()).resolve<T>(token);
  }

  async openChild(): Promise<Scope> {
    const scope = await this.#open();
    if (scope.openChild === undefined) throw new TypeError('The scopes of the built-in container have inner ones.');
    return scope.openChild();
  }

  async dispose(): Promise<void> {
    this.#disposed = true;
    await (await this.#opening)?.dispose();
  }

  #open(): Promise<Scope> {
    this.#opening ??= this.#container().then(async ({ port }) => {
      const scope = await port.openScope(this.#shard);
      // It says itself that nothing can be resolved in it any more.
      if (this.#disposed) await scope.dispose();
      return scope;
    });
    return this.#opening;
  }
}
