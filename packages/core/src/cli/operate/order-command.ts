/** `millrace retry`, `park` and `skip`: an operator decides over a record that waits. */
import { MillraceError } from '../../errors.js';
import type { Order } from '../../runtime/orders.js';
import type { Terminal } from '../terminal.js';
import { runningConsumers, type RunningConsumer } from './running-workers.js';

export interface OrderRequest {
  readonly order: Order;
  readonly recordId: string;
  readonly application: string | undefined;
}

/** @throws WORKER_NOT_FOUND, RECORD_NOT_HELD, ORDER_REFUSED */
export async function giveOrder({ order, recordId, application }: OrderRequest, terminal: Terminal): Promise<void> {
  const consumers = await runningConsumers(application, terminal);
  const holders = await holdersOf(recordId, consumers);
  const [first] = holders;
  if (first === undefined) throw notHeld(recordId, consumers);
  const names = [...new Set(holders.map(({ consumer }) => consumer.applicationName))];
  // Applications that read one stream have records of the same ids.
  if (names.length > 1)
    throw new MillraceError(
      'ORDER_REFUSED',
      `${recordId} waits in several applications. Say which one is meant: --application ${names.join(' or --application ')}.`,
    );
  const refusals: string[] = [];
  let done = false;
  // A shard that has just moved can be held by its old and its new owner.
  for (const { worker, consumer } of holders) {
    const answer = await worker.operate(consumer.applicationName, recordId, order);
    if (answer?.kind === 'done') {
      done = true;
      terminal.out(`${recordId}: ${answer.text} (${consumer.applicationName}, process ${worker.pid})\n`);
    } else refusals.push(answer?.kind === 'refused' ? answer.text : 'It does not wait any more.');
  }
  if (!done) throw new MillraceError('ORDER_REFUSED', `${recordId}: ${refusals.join(' ')}`);
}

async function holdersOf(recordId: string, consumers: readonly RunningConsumer[]): Promise<readonly RunningConsumer[]> {
  const found = await Promise.all(
    consumers.map(({ worker, consumer }) => worker.operate(consumer.applicationName, recordId, 'find')),
  );
  return consumers.filter((_, index) => found[index] !== undefined);
}

const SHOWN_MAX = 10;

function notHeld(recordId: string, consumers: readonly RunningConsumer[]): MillraceError {
  const ids = consumers.flatMap(({ consumer }) =>
    consumer.shards.flatMap(({ heldRecords }) => heldRecords.flatMap((held) => held.recordId ?? [])),
  );
  const shown = ids.slice(0, SHOWN_MAX).map((id) => `\n  ${id}`);
  const more = ids.length > SHOWN_MAX ? `\n  and more; millrace status shows them` : '';
  const held = ids.length === 0 ? 'No record is held.' : `These are held:${shown.join('')}${more}`;
  return new MillraceError('RECORD_NOT_HELD', `${recordId} is not held and does not wait for another attempt. ${held}`);
}
