/** The options of `millrace status`, `retry`, `park` and `skip`. */
import type { Command } from 'commander';
import type { Order } from '../../runtime/orders.js';
import type { Terminal } from '../terminal.js';

const APPLICATION = 'only this application';
const RECORD = 'the id of the record, as status, the log and dead letters show it';

const ORDERS: readonly (readonly [order: Order, summary: string, description: string])[] = [
  [
    'retry',
    'run a held record again, now',
    'Runs the record again at once, whether it is held or waits for its next attempt. A record that waits for a parked one of its key runs, and so do its successors.',
  ],
  [
    'park',
    'write a held record to the dead-letter sink',
    'Writes the record to the dead-letter sink of its handler. It counts as parked, and its shard goes on, once the sink has stored it.',
  ],
  [
    'skip',
    'give a held record up',
    'Settles the record as skipped, and its shard goes on. Nothing keeps the record but the stream itself, until its retention is over.',
  ],
];

interface OperateFlags {
  readonly application?: string;
}

export function addOperateCommands(program: Command, terminal: Terminal): void {
  program
    .command('status')
    .summary('show the running workers of this machine, their shards and what is held')
    .description(
      'Asks every worker that this user runs on this machine where its shards stand, how far they are behind, and which records are held, since when and why.',
    )
    .option('--application <name>', APPLICATION)
    .option('--json', 'print what the workers say, as JSON', false)
    .action(async ({ application, json }: OperateFlags & { readonly json: boolean }) => {
      const { showStatus } = await import('./status-command.js');
      await showStatus({ application, json }, terminal);
    });
  for (const [order, summary, description] of ORDERS) {
    program
      .command(order)
      .argument('<record>', RECORD)
      .summary(summary)
      .description(`${description} Asks every worker that this user runs on this machine; the one that has it acts.`)
      .option('--application <name>', APPLICATION)
      .action(async (recordId: string, { application }: OperateFlags) => {
        const { giveOrder } = await import('./order-command.js');
        await giveOrder({ order, recordId, application }, terminal);
      });
  }
}
