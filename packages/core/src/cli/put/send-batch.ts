/** Sends a batch until every record of it is stored. */
import { MillraceError } from '../../errors.js';
import { classifyFailure, finalError } from '../../local/kinesis-failure.js';
import type { Clock, Random } from '../../ports.js';
import { sleepUntilAborted } from '../../runtime/race.js';
import type { InputRecord } from './input-record.js';

/** The one call of the Kinesis API that writing needs. */
export interface PutApi {
  /** Why an entry was refused, in the order of the records; undefined for those that are stored. */
  putRecords(records: readonly InputRecord[], signal: AbortSignal): Promise<readonly (string | undefined)[]>;
}

export interface SendOptions {
  readonly api: PutApi;
  readonly clock: Clock;
  readonly random: Random;
  readonly signal: AbortSignal;
  readonly stream: string;
  readonly endpoint: string | undefined;
}

export interface Sent {
  readonly stored: number;
  /** Entries that had to be sent again. */
  readonly repeated: number;
}

const ATTEMPTS = 12;
/** Nobody listens at an endpoint: somebody at a terminal wants to know soon. */
const UNREACHABLE_ATTEMPTS = 4;
const FIRST_DELAY_MS = 100;
const MAX_DELAY_MS = 5_000;

/**
 * Only refused entries are sent again, so a record is stored once unless an answer was lost on the way.
 * Entries that are sent again may end up behind later records of their key, as with any producer of PutRecords.
 *
 * @throws MillraceError PUT_FAILED when entries are still refused after 12 requests; ENDPOINT_UNREACHABLE,
 * STREAM_NOT_FOUND, CREDENTIALS_MISSING or SOURCE_FAILED when no request succeeds.
 */
export async function sendBatch(batch: readonly InputRecord[], options: SendOptions): Promise<Sent> {
  let waiting = batch;
  let repeated = 0;
  let refusal = '';
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    if (attempt > 1) await sleepUntilAborted(options.clock, delayBefore(attempt, options.random), options.signal);
    if (options.signal.aborted) break;
    if (attempt > 1) repeated += waiting.length;
    const refused = await tryOnce(waiting, attempt, options);
    waiting = refused.records;
    refusal = refused.why;
    if (waiting.length === 0) return { stored: batch.length, repeated };
  }
  if (options.signal.aborted) return { stored: batch.length - waiting.length, repeated };
  throw new MillraceError(
    'PUT_FAILED',
    `${waiting.length} of ${batch.length} records of a request are still refused after ${ATTEMPTS} attempts: ${refusal}.`,
    { details: { stream: options.stream, refused: waiting.length, stored: batch.length - waiting.length } },
  );
}

interface Refused {
  readonly records: readonly InputRecord[];
  readonly why: string;
}

async function tryOnce(records: readonly InputRecord[], attempt: number, options: SendOptions): Promise<Refused> {
  try {
    const answers = await options.api.putRecords(records, options.signal);
    const why = answers.find((answer) => answer !== undefined) ?? '';
    return { records: records.filter((_, index) => answers[index] !== undefined), why };
  } catch (error) {
    if (options.signal.aborted) return { records, why: '' };
    const failure = classifyFailure(error);
    const { stream, endpoint } = options;
    const limit = failure.kind === 'passing' && failure.unreachable ? UNREACHABLE_ATTEMPTS : ATTEMPTS;
    if (failure.kind !== 'passing' || attempt >= limit)
      throw finalError(error, { stream, endpoint, call: 'PutRecords' });
    return { records, why: '' };
  }
}

/** Full jitter, as for reads. */
function delayBefore(attempt: number, random: Random): number {
  return random() * Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** (attempt - 2));
}
