/** A daemon played by a test: it writes actions, reads answers by the strict reader, and fails on whatever a real one would stall or die of. */
import { encodeDaemonMessage } from '../../src/protocol/daemon-side.js';
import type { DaemonMessage } from '../../src/protocol/messages.js';
import { DaemonReader, type Reading } from './daemon-reader.js';

type Asked = Extract<Reading, { kind: 'checkpoint' }>;

export class DaemonEnd {
  readonly #write: (bytes: Uint8Array) => void;
  readonly #reader = new DaemonReader();
  readonly #readings: Reading[] = [];
  #open = 'nothing';
  #waiting: (() => void) | undefined;

  constructor(write: (bytes: Uint8Array) => void) {
    this.#write = write;
  }

  /** Bytes of the worker. */
  readonly receive = (bytes: Uint8Array): void => {
    this.#readings.push(...this.#reader.read(bytes, this.#open));
    this.#waiting?.();
  };

  send(message: DaemonMessage): void {
    if (message.kind !== 'checkpoint') this.#open = message.kind;
    this.#write(encodeDaemonMessage(message));
  }

  /** Sends an action, answers its checkpoints one after the other, and returns them once the status has come. */
  async act(message: DaemonMessage, ...errors: (string | undefined)[]): Promise<Asked[]> {
    this.send(message);
    const asked: Asked[] = [];
    for (let reading = await this.next(); reading.kind !== 'status'; reading = await this.next()) {
      if (reading.kind !== 'checkpoint') throw new Error(`The daemon cannot take ${JSON.stringify(reading)}`);
      asked.push(reading);
      const { sequenceNumber, subSequenceNumber } = reading;
      this.send({
        kind: 'checkpoint',
        sequenceNumber: sequenceNumber ?? undefined,
        subSequenceNumber: subSequenceNumber ?? undefined,
        error: errors.shift(),
      });
    }
    return asked;
  }

  async next(): Promise<Reading> {
    for (;;) {
      const reading = this.#readings.shift();
      if (reading !== undefined) return reading;
      await new Promise<void>((resolve) => {
        this.#waiting = resolve;
      });
    }
  }

  /** What came that nobody has asked for, unfinished text included. */
  get unread(): unknown[] {
    return this.#reader.unfinished === '' ? this.#readings : [...this.#readings, this.#reader.unfinished];
  }
}
