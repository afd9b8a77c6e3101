/** What was delivered, so that the same record can be sent once more. */
import { MillraceError } from '@millrace/core';
import type { WireRecord } from '@millrace/core/internal';

export class DeliveredWires {
  readonly #wires = new Map<string, WireRecord>();

  remember(recordId: string, wire: WireRecord): void {
    this.#wires.set(recordId, wire);
  }

  /** @throws MillraceError TEST_MISUSED for a record that was not delivered here. */
  of(recordId: string): WireRecord {
    const wire = this.#wires.get(recordId);
    if (wire !== undefined) return wire;
    throw new MillraceError('TEST_MISUSED', `The record ${recordId} was not delivered by this bed.`);
  }
}
