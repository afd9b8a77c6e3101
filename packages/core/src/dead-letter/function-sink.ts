/** A sink that is a function of the user's: a table, a topic, an alarm. */
import type { SinkDescription } from '../definition/definition.js';
import type { DeadLetterEntry } from '../ports.js';
import { GuardedSink } from './guarded-sink.js';

/**
 * A dead-letter sink from a function: `@DeadLetter(fn('parked orders', (entry) => table.insert(entry)))`. It resolves
 * when the entry is durable, and rejects or throws when it is not: then it is called again with the same entry, so it
 * goes by `entry.id`. The signal aborts after 30 s. A sink that has to be opened and closed is better a class behind an
 * injection token.
 */
export function fn(
  label: string,
  write: (entry: DeadLetterEntry, signal: AbortSignal) => void | PromiseLike<void>,
): SinkDescription {
  return {
    sink: 'millrace.sink',
    label,
    durable: true,
    open: () => {
      const put = async (entry: DeadLetterEntry, signal: AbortSignal): Promise<void> => write(entry, signal);
      return Promise.resolve(new GuardedSink({ label, put, close: () => undefined }));
    },
  };
}
