/** The running workers that a command asks, and the consumers of them that it is about. */
import { findWorkers, type RunningWorker } from '../../control/control-client.js';
import { MillraceError } from '../../errors.js';
import type { ConsumerHealth } from '../../runtime/worker-health.js';
import type { Terminal } from '../terminal.js';

/** One consumer of one running worker. */
export interface RunningConsumer {
  readonly worker: RunningWorker;
  readonly consumer: ConsumerHealth;
}

/** @throws WORKER_NOT_FOUND when there is none. */
export async function runningConsumers(
  application: string | undefined,
  terminal: Terminal,
): Promise<readonly RunningConsumer[]> {
  const { workers, problems } = await findWorkers(terminal.env);
  for (const problem of problems) terminal.err(`note: a worker does not answer. ${problem}\n`);
  const all = workers.flatMap((worker) => worker.health.consumers.map((consumer) => ({ worker, consumer })));
  const wanted = all.filter(({ consumer }) => application === undefined || consumer.applicationName === application);
  if (wanted.length > 0) return wanted;
  throw new MillraceError('WORKER_NOT_FOUND', noneRuns(application, all));
}

function noneRuns(application: string | undefined, all: readonly RunningConsumer[]): string {
  const names = [...new Set(all.map(({ consumer }) => consumer.applicationName))];
  if (application !== undefined && names.length > 0)
    return `No worker of the application "${application}" runs here; there are workers of ${names.join(', ')}.`;
  const whose = application === undefined ? '' : ` of the application "${application}"`;
  return `No worker${whose} runs on this machine, as far as this user can see. Run the command as the user of the worker, and in its container.`;
}
