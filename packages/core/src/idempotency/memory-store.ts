/** Handled keys in the memory of one process: for tests, for development, and for repetitions that come within minutes. */
import type { IdempotencyStoreDescription } from '../definition/middleware.js';
import { MillraceError } from '../errors.js';
import type { IdempotencyAnswer, IdempotencyClaim, IdempotencyStore } from '../ports.js';

const KEYS_MAX = 100_000;

export interface MemoryStoreOptions {
  /** The keys that were used longest ago are forgotten first. @defaultValue 100 000 */
  readonly maxKeys?: number;
}

/**
 * An idempotency store that ends with its process and that other workers do not see. The sessions of a consumer in one
 * process share it.
 */
export function memoryStore({ maxKeys = KEYS_MAX }: MemoryStoreOptions = {}): IdempotencyStoreDescription {
  if (!Number.isInteger(maxKeys) || maxKeys < 1) {
    const message = `memoryStore takes maxKeys as a whole number of at least 1, not ${String(maxKeys)}.`;
    throw new MillraceError('INPUT_INVALID', message, { details: { maxKeys } });
  }
  return {
    store: 'millrace.idempotencyStore',
    label: 'memory',
    open: () => Promise.resolve(new MemoryStore(maxKeys)),
  };
}

interface Entry {
  readonly owner: string;
  readonly completed: boolean;
  /** The end of the lock, or of the memory of a completed key. */
  readonly untilMs: number;
}

class MemoryStore implements IdempotencyStore {
  /** In the order of their last use. */
  readonly #entries = new Map<string, Entry>();
  readonly #maxKeys: number;

  constructor(maxKeys: number) {
    this.#maxKeys = maxKeys;
  }

  acquire({ key, owner, nowMs, lockedUntilMs }: IdempotencyClaim): Promise<IdempotencyAnswer> {
    const known = this.#entries.get(key);
    if (known !== undefined && known.untilMs > nowMs) {
      if (known.completed) {
        this.#put(key, known);
        return Promise.resolve({ kind: 'completed' });
      }
      if (known.owner !== owner) return Promise.resolve({ kind: 'inProgress', lockedUntilMs: known.untilMs });
    }
    this.#put(key, { owner, completed: false, untilMs: lockedUntilMs });
    return Promise.resolve({ kind: 'acquired' });
  }

  complete({ key, owner, expiresAtMs }: IdempotencyClaim): Promise<boolean> {
    const known = this.#entries.get(key);
    // A key that was forgotten for want of room is nobody else's.
    if (known !== undefined && known.owner !== owner) return Promise.resolve(false);
    this.#put(key, { owner, completed: true, untilMs: expiresAtMs });
    return Promise.resolve(true);
  }

  release({ key, owner }: IdempotencyClaim): Promise<void> {
    if (this.#entries.get(key)?.owner === owner) this.#entries.delete(key);
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.#entries.clear();
    return Promise.resolve();
  }

  #put(key: string, entry: Entry): void {
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    if (this.#entries.size <= this.#maxKeys) return;
    const [oldest] = this.#entries.keys();
    if (oldest !== undefined) this.#entries.delete(oldest);
  }
}
