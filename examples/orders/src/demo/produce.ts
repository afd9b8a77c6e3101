/** Puts orders at a steady pace and splits a shard on the way. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { OrderStream, StoredRecord } from './order-stream.js';
import { sampleOrder } from './sample-orders.js';

export interface ProducePlan {
  readonly stream: OrderStream;
  /** Infinity goes on until `signal` aborts. */
  readonly orders: number;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

export interface Produced {
  readonly records: readonly StoredRecord[];
  /** Undefined when production ended before the split. */
  readonly splitShard: string | undefined;
}

const BATCH = 20;
const PAUSE_MS = 150;
const ENDLESS_SPLIT_AFTER = 200;

/** Everything it returns was acknowledged by PutRecords; an abort ends it early and in order. */
export async function produce({ stream, orders, signal, say }: ProducePlan): Promise<Produced> {
  const records: StoredRecord[] = [];
  const splitAfter = orders === Infinity ? ENDLESS_SPLIT_AFTER : orders / 2;
  let splitShard: string | undefined;
  while (records.length < orders && !signal.aborted) {
    const count = Math.min(BATCH, orders - records.length);
    const samples = Array.from({ length: count }, (_, offset) => sampleOrder(records.length + offset));
    records.push(...(await stream.put(samples)));
    if (splitShard === undefined && records.length >= splitAfter) {
      splitShard = await stream.splitShard();
      say(`${splitShard} is split after ${records.length} orders.`);
    }
    await pause(signal);
  }
  return { records, splitShard };
}

async function pause(signal: AbortSignal): Promise<void> {
  try {
    await sleep(PAUSE_MS, undefined, { signal });
  } catch (error) {
    // Ctrl-C: the loop sees it.
    if (!signal.aborted) throw error;
  }
}
