/** A dead letter with every field filled in, and bytes and texts that a careless format would not keep. */
import type { DeadLetterEntry } from '../../src/ports.js';

export function deadLetter(sequenceNumber: string, change: Partial<DeadLetterEntry> = {}): DeadLetterEntry {
  const entry: DeadLetterEntry = {
    id: '',
    stream: 'orders',
    applicationName: 'mailer',
    consumer: 'OrderMailer',
    handler: 'placed',
    shardId: 'shardId-000000000000',
    sequenceNumber,
    subSequenceNumber: 0,
    partitionKey: 'café \u2028\n"',
    approximateArrivalTimestamp: 1_700_000_000_123,
    data: Uint8Array.from([0, 10, 13, 255, 0xf3]),
    attempts: 5,
    causes: [
      { name: 'MillraceError', code: 'HANDLER_TIMEOUT', message: 'too slow', stack: 'at x\nat y' },
      { name: 'Error', code: undefined, message: 'socket', stack: undefined },
    ],
    parkedAt: 1_700_000_001_000,
    ...change,
  };
  return { ...entry, id: change.id ?? `${entry.shardId}:${entry.sequenceNumber}:${entry.subSequenceNumber}` };
}
