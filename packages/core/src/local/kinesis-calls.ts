/**
 * How calls of the Kinesis API are repeated: what passes by itself is waited out with full jitter, for ever or with the
 * little patience of a start, since a wrong endpoint is best said at once.
 */
import { isMillraceError, MillraceError, toError } from '../errors.js';
import { backoffMs } from '../policy/retry.js';
import type { Clock, Logger, Random } from '../ports.js';
import { sleepUntilAborted } from '../runtime/race.js';
import type { KinesisApi, KinesisConnection } from './kinesis-api.js';
import { classifyFailure, finalError, type KinesisFailure } from './kinesis-failure.js';

export interface KinesisSourceOptions extends KinesisConnection {
  /** Name or ARN. */
  readonly stream: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** What is told of a call that is repeated. */
export interface RetriedCall {
  readonly call: string;
  readonly signal: AbortSignal;
  /** How long failures that pass by themselves are waited out; undefined: for ever. */
  readonly patienceMs: number | undefined;
  readonly shardId?: string;
  /** Told of every failure before the next try. */
  readonly onFailure?: (failure: KinesisFailure, failures: number) => void;
}

export const START_PATIENCE_MS = 4_000;

const BACKOFF = { initialDelayMs: 200, maxDelayMs: 10_000, factor: 2 };
/** The first failure is told, and after that every tenth, or a long outage fills the log. */
const LOG_EVERY = 10;

export class KinesisCalls {
  constructor(
    private readonly options: KinesisSourceOptions,
    readonly api: KinesisApi,
  ) {}

  now(): number {
    return this.options.clock.now();
  }

  /** Repeats a call while its failures pass by themselves; else throws the error that a user is to see. */
  async retrying<T>(retried: RetriedCall, call: () => Promise<T>): Promise<T> {
    const { clock, random } = this.options;
    const startedMs = clock.monotonicMs();
    for (let failures = 1; ; failures += 1) {
      try {
        return await call();
      } catch (error) {
        retried.signal.throwIfAborted();
        const failure = classifyFailure(error);
        retried.onFailure?.(failure, failures);
        const patienceLeftMs = (retried.patienceMs ?? Infinity) - (clock.monotonicMs() - startedMs);
        if (!passes(failure) || patienceLeftMs <= 0) throw this.final(error, retried.call);
        const delayMs = Math.min(backoffMs(BACKOFF, failures, random), patienceLeftMs);
        this.report(retried, { error, failures, delayMs });
        if (!(await sleepUntilAborted(clock, delayMs, retried.signal))) retried.signal.throwIfAborted();
      }
    }
  }

  /** A position that the stream does not know: told apart from a stream that is gone by asking for the stream. */
  async unknownPosition(shardId: string, sequenceNumber: string, cause: unknown): Promise<MillraceError> {
    const { stream } = this.options;
    try {
      await this.api.describeStream(AbortSignal.timeout(START_PATIENCE_MS));
    } catch (error) {
      return this.final(error, 'DescribeStreamSummary');
    }
    return new MillraceError(
      'SOURCE_FAILED',
      `Stream "${stream}" does not know the checkpoint of ${shardId}, sequence number ${sequenceNumber}: it belongs to an earlier stream of this name. Delete the checkpoint file to begin at the initial position.`,
      { cause, details: { stream, shardId, sequenceNumber } },
    );
  }

  private final(error: unknown, call: string): MillraceError {
    if (isMillraceError(error)) return error;
    const { stream, endpoint } = this.options;
    return finalError(error, { stream, endpoint, call });
  }

  private report(
    { call, shardId }: RetriedCall,
    { error, failures, delayMs }: { error: unknown; failures: number; delayMs: number },
  ): void {
    if (failures !== 1 && failures % LOG_EVERY !== 0) return;
    const { name, message } = toError(error);
    const fields = { call, ...(shardId === undefined ? {} : { shardId }), error: name, failures, delayMs };
    this.options.logger.warn(
      fields,
      `${call} failed ${failures === 1 ? 'once' : `${failures} times`} and is tried again: ${message}`,
    );
  }
}

function passes(failure: KinesisFailure): boolean {
  return failure.kind === 'passing' || failure.kind === 'iteratorExpired';
}
