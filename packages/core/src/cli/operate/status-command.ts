/** `millrace status`: where every shard stands, and what is held. */
import type { Terminal } from '../terminal.js';
import { describeConsumer } from './describe-status.js';
import { runningConsumers } from './running-workers.js';

export interface StatusRequest {
  readonly application: string | undefined;
  readonly json: boolean;
}

/** @throws WORKER_NOT_FOUND when no worker runs. */
export async function showStatus({ application, json }: StatusRequest, terminal: Terminal): Promise<void> {
  const consumers = await runningConsumers(application, terminal);
  const data = consumers.map(({ worker: { pid, health }, consumer }) => ({ pid, phase: health.phase, ...consumer }));
  terminal.out(json ? `${JSON.stringify(data, null, 2)}\n` : `${data.map(describeConsumer).join('\n\n')}\n`);
}
