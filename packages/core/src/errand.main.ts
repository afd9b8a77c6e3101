/** The process that a supervisor sends on errands. It ends with its channel, and by nothing else. */
import { Errands } from './supervisor/errands.js';
import { sentError, type FromErrand, type ToErrand } from './supervisor/errand-messages.js';
import { MillraceError } from './errors.js';
import { systemClock } from './process-ports.js';

// A service manager's stop reaches every process; the supervisor decides when this one ends.
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'] as const) process.on(signal, () => undefined);
process.once('disconnect', () => process.exit());

const errands = new Errands(systemClock);
const running = new Map<number, AbortController>();

process.on('message', (message: ToErrand) => {
  if (message.kind === 'abort')
    running.get(message.id)?.abort(new MillraceError('WORKER_STOPPED', 'Nobody waits for the answer any more.'));
  else void run(message);
});

async function run({ id, order }: Extract<ToErrand, { kind: 'order' }>): Promise<void> {
  const ended = new AbortController();
  running.set(id, ended);
  try {
    tell({ kind: 'answer', id, answer: await errands.run(order, ended.signal) });
  } catch (error) {
    tell({ kind: 'failed', id, error: sentError(error) });
  } finally {
    running.delete(id);
  }
}

function tell(message: FromErrand): void {
  // A supervisor that is gone hears nothing, and its end is ours.
  process.send?.(message, undefined, {}, () => undefined);
}
