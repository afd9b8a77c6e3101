/** What every sink keeps to, around the one call that stores an entry: no write after the close, errors with the sink's name. */
import { isMillraceError, MillraceError, toError } from '../errors.js';
import type { DeadLetterEntry, DeadLetterSink } from '../ports.js';

export interface SinkCalls {
  readonly label: string;
  /** Resolves when the entry is durable. Tried again by whoever parks, so it gives up soon. */
  readonly put: (entry: DeadLetterEntry, signal: AbortSignal) => Promise<void>;
  readonly close: () => void;
}

export class GuardedSink implements DeadLetterSink {
  readonly durable = true;
  private closed = false;

  constructor(private readonly calls: SinkCalls) {}

  async write(entry: DeadLetterEntry, signal: AbortSignal): Promise<void> {
    if (this.closed) throw this.failed(new Error('the sink is closed'), entry);
    if (signal.aborted) throw this.failed(signal.reason, entry);
    try {
      await this.calls.put(entry, signal);
    } catch (cause) {
      throw isMillraceError(cause, 'SINK_FAILED') ? cause : this.failed(cause, entry);
    }
  }

  close(): Promise<void> {
    if (!this.closed) this.calls.close();
    this.closed = true;
    return Promise.resolve();
  }

  private failed(cause: unknown, entry: DeadLetterEntry): MillraceError {
    const message = `The dead-letter sink "${this.calls.label}" did not take a record: ${toError(cause).message}`;
    return new MillraceError('SINK_FAILED', message, { cause, details: { recordId: entry.id } });
  }
}
