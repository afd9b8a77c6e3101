/** The disposable instances of one owner, a worker or a shard lease; disposed in reverse order of creation, each once. */
import { MillraceError, toError } from '../errors.js';

interface MaybeDisposable {
  readonly [Symbol.asyncDispose]?: unknown;
  readonly [Symbol.dispose]?: unknown;
  readonly dispose?: unknown;
}

export class Ledger {
  readonly #instances = new Set<object>();
  readonly #failures: Error[] = [];

  /** Anything that cannot be disposed is not kept, so that transient instances can be collected. */
  add(instance: unknown): void {
    if (typeof instance === 'object' && instance !== null && disposer(instance) !== undefined) {
      this.#instances.add(instance);
    }
  }

  /** Disposes what is there and goes on after failures; `finish` reports them. */
  async disposeAll(): Promise<void> {
    const newestFirst = [...this.#instances].toReversed();
    this.#instances.clear();
    for (const instance of newestFirst) {
      try {
        await disposer(instance)?.();
      } catch (thrown) {
        this.#failures.push(toError(thrown));
      }
    }
  }

  /** @throws SCOPE_FAILED naming every failure, after everything was disposed. */
  async finish(owner: string, before: readonly Error[] = []): Promise<void> {
    await this.disposeAll();
    const failures = [...before, ...this.#failures.splice(0)];
    if (failures.length === 0) return;
    const messages = failures.map(({ message }) => `  - ${message}`).join('\n');
    throw new MillraceError('SCOPE_FAILED', `Disposing the services of ${owner} failed:\n${messages}`, {
      details: { owner, failures: failures.length },
      cause: failures.length === 1 ? failures[0] : new AggregateError(failures),
    });
  }
}

/** The first of asyncDispose, dispose and a method `dispose` without parameters. */
function disposer(instance: MaybeDisposable): (() => unknown) | undefined {
  const method = instance[Symbol.asyncDispose] ?? instance[Symbol.dispose] ?? instance.dispose;
  if (typeof method !== 'function' || method.length > 0) return undefined;
  return () => Reflect.apply(method, instance, []) as unknown;
}
