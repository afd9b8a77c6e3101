/** Groups records into requests: full ones while there is input, smaller ones when it pauses, and none ahead of a rate. */
import type { Clock } from '../../ports.js';
import { untilAborted } from '../../runtime/race.js';
import type { InputRecord } from './input-record.js';

export interface BatchOptions {
  readonly clock: Clock;
  /** Records per second; undefined: as fast as it goes. */
  readonly ratePerSecond: number | undefined;
  /** Ends the batches at once, even while the input says nothing; what was not given out is dropped. */
  readonly signal: AbortSignal;
}

/** PutRecords takes 500 records; 5 MiB is the older and smaller of its limits on bytes. */
const RECORDS_MAX = 500;
const BYTES_MAX = 5 * 1024 * 1024;
/** Somebody who types records, or follows a log, sees them leave at once. */
const PAUSE_MS = 100;
/** At a rate, a fifth of a second's records leave together. */
const BATCHES_PER_SECOND = 5;

export async function* batchRecords(
  records: AsyncIterable<InputRecord>,
  { clock, ratePerSecond, signal }: BatchOptions,
): AsyncGenerator<readonly InputRecord[]> {
  const recordsMax = ratePerSecond === undefined ? RECORDS_MAX : batchSize(ratePerSecond);
  const input = records[Symbol.asyncIterator]();
  let batch: InputRecord[] = [];
  let bytes = 0;
  const take = (): readonly InputRecord[] => {
    const taken = batch;
    batch = [];
    bytes = 0;
    return taken;
  };
  let next = input.next();
  for (;;) {
    const arrived = await untilAborted(batch.length === 0 ? next : beforePause(next, clock), signal);
    if (arrived.kind === 'aborted') return;
    if (arrived.value === 'paused') {
      yield take();
      continue;
    }
    if (arrived.value.done === true) break;
    const record = arrived.value.value;
    if (batch.length > 0 && bytes + sizeOf(record) > BYTES_MAX) yield take();
    batch.push(record);
    bytes += sizeOf(record);
    if (batch.length >= recordsMax) yield take();
    next = input.next();
  }
  if (batch.length > 0) yield take();
}

export function batchSize(ratePerSecond: number): number {
  return Math.min(RECORDS_MAX, Math.max(1, Math.floor(ratePerSecond / BATCHES_PER_SECOND)));
}

/** How long to wait before the next batch, when so many records have left since the start. */
export function paceMs(sent: number, elapsedMs: number, ratePerSecond: number | undefined): number {
  return ratePerSecond === undefined ? 0 : Math.max(0, (sent / ratePerSecond) * 1000 - elapsedMs);
}

function sizeOf(record: InputRecord): number {
  return record.data.length + Buffer.byteLength(record.partitionKey);
}

async function beforePause<T>(next: Promise<T>, clock: Clock): Promise<T | 'paused'> {
  let stop = (): void => undefined;
  const pause = new Promise<'paused'>((resolve) => {
    const timer = clock.setTimer(PAUSE_MS, () => resolve('paused'));
    stop = () => timer.cancel();
  });
  try {
    return await Promise.race([next, pause]);
  } finally {
    stop();
  }
}
