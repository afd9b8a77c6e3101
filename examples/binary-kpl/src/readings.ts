import { singleton } from '@millrace/core';
import type { Reading } from './reading.js';

/** Stored readings by record id: storing one again changes nothing. A table with that primary key in a real program. */
@singleton()
export class Readings {
  readonly #byId = new Map<string, Reading>();

  store(id: string, reading: Reading): void {
    this.#byId.set(id, reading);
  }

  all(): readonly Reading[] {
    return [...this.#byId.values()];
  }
}
