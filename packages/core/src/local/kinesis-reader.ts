/** Reads one shard through iterators, which expire after five minutes: then the reader goes on where it last stood. */
import type { GetRecordsAnswer, IteratorStart } from './kinesis-api.js';
import type { KinesisCalls } from './kinesis-calls.js';
import { classifyFailure, type KinesisFailure } from './kinesis-failure.js';
import type { ShardRead, ShardReader, StartingPosition } from './source.js';

const RECORDS_MAX = 10_000;
/** After so many failures in a row the iterator itself is under suspicion. */
const SUSPECT_ITERATOR_AFTER = 3;
/** How far our clock may stand before the service's; only used where nothing was read yet after LATEST. */
const CLOCK_SKEW_MS = 60_000;

export class KinesisShardReader implements ShardReader {
  private iterator: string | undefined;
  private lastSequenceNumber: string | undefined;
  /** When an iterator at LATEST was last good, by our clock. */
  private tipAtMs: number | undefined;
  private ended = false;

  constructor(
    private readonly calls: KinesisCalls,
    private readonly shardId: string,
    private readonly start: StartingPosition,
  ) {}

  async read(limit: number, signal: AbortSignal): Promise<ShardRead> {
    if (this.ended) return { records: [], millisBehindLatest: 0, ended: true };
    const call = {
      call: 'GetRecords',
      signal,
      patienceMs: undefined,
      shardId: this.shardId,
      onFailure: (failure: KinesisFailure, failures: number) => {
        this.doubtIterator(failure, failures);
      },
    };
    const answer = await this.calls.retrying(call, () => this.getRecords(Math.min(limit, RECORDS_MAX), signal));
    this.iterator = answer.nextIterator;
    this.lastSequenceNumber = answer.records.at(-1)?.sequenceNumber ?? this.lastSequenceNumber;
    if (this.start.kind === 'LATEST') this.tipAtMs = this.calls.now();
    this.ended = answer.nextIterator === undefined;
    return { records: answer.records, millisBehindLatest: answer.millisBehindLatest, ended: this.ended };
  }

  private async getRecords(limit: number, signal: AbortSignal): Promise<GetRecordsAnswer> {
    this.iterator ??= await this.openIterator(signal);
    return this.calls.api.getRecords(this.iterator, limit, signal);
  }

  private async openIterator(signal: AbortSignal): Promise<string> {
    const start = this.position();
    try {
      const iterator = await this.calls.api.getShardIterator(this.shardId, start, signal);
      if (start.kind === 'LATEST') this.tipAtMs = this.calls.now();
      return iterator;
    } catch (error) {
      if (signal.aborted || !('sequenceNumber' in start) || !isRefusal(error)) throw error;
      throw await this.calls.unknownPosition(this.shardId, start.sequenceNumber, error);
    }
  }

  private position(): IteratorStart {
    if (this.lastSequenceNumber !== undefined)
      return { kind: 'AFTER_SEQUENCE_NUMBER', sequenceNumber: this.lastSequenceNumber };
    // A second LATEST would skip what came since the first; reading a little twice is allowed, skipping is not.
    if (this.tipAtMs !== undefined) return { kind: 'AT_TIMESTAMP', timestampMs: this.tipAtMs - CLOCK_SKEW_MS };
    return this.start;
  }

  /** Lets go of an iterator that is no good any more: the next try opens another. */
  private doubtIterator(failure: KinesisFailure, failures: number): void {
    const suspect = failure.kind === 'passing' && !failure.unreachable && failures % SUSPECT_ITERATOR_AFTER === 0;
    if (failure.kind === 'iteratorExpired' || suspect) this.iterator = undefined;
  }
}

/** AWS says InvalidArgument, emulators say ResourceNotFound. */
function isRefusal(error: unknown): boolean {
  const { kind } = classifyFailure(error);
  return kind === 'invalidArgument' || kind === 'notFound';
}
