/**
 * Writes the watermark. The daemon reads a checkpoint only inside an open action (a checkpoint written between actions
 * would be executed against the *next* batch), so a wish that comes in between waits for the next one; one checkpoint is
 * in flight at a time; a value that failed is tried again, or a higher one in its place.
 */
import type { CheckpointPolicy } from '../definition/definition.js';
import { MillraceError } from '../errors.js';
import { checkpointDue, type Moment } from '../policy/checkpoint-timing.js';
import { backoffMs, type Backoff } from '../policy/retry.js';
import type { Watermark } from '../policy/watermark.js';
import type { RuntimePorts, Timer } from '../ports.js';
import type { CheckpointTarget, Position } from '../protocol/messages.js';
import { comparePositions } from '../protocol/position.js';
import type { CheckpointResult } from '../protocol/session-types.js';
import { sleepUntilAborted } from './race.js';
import type { RecordSlot } from './record-slot.js';
import type { Reporter } from './reporter.js';

/** A checkpoint may block for 50 s inside the daemon before it fails, so few tries are many seconds. */
const TRIES_IN_ACTION = 5;
const BACKOFF: Backoff = { initialDelayMs: 250, maxDelayMs: 30_000, factor: 2 };

export interface CheckpointerOptions {
  readonly policy: CheckpointPolicy;
  /** Records run beside each other: under `record` each step of the watermark is written, and nobody waits for it. */
  readonly lanes: boolean;
  readonly watermark: Watermark<RecordSlot>;
  readonly ports: RuntimePorts;
  readonly report: Reporter;
  /** Hands the wish to the session; the answer comes back through `answered`. */
  readonly send: (target: CheckpointTarget) => void;
  /** Aborts when nothing may be written any more. */
  readonly doubt: AbortSignal;
}

type Answer = CheckpointResult | { readonly kind: 'rejected'; readonly code: string; readonly detail: string };
export type WriteResult =
  | { readonly kind: 'written' }
  /** The watermark had not moved. */
  | { readonly kind: 'clean' }
  | { readonly kind: 'failed'; readonly error: MillraceError }
  | { readonly kind: 'leaseLost' };

export class Checkpointer {
  readonly #options: CheckpointerOptions;
  #phase: 'closed' | 'open' | 'shardEnding' = 'closed';
  /** Calls of `request` that wait for their write. */
  #wishes = 0;
  /** Under `manual` a declaration is a wish, too, that nobody waits for. */
  #declared = false;
  #failure: Error | undefined;
  #written: Position | undefined;
  #settledSince = 0;
  #writtenAtMs: number;
  #inFlight: { readonly target: CheckpointTarget; readonly resolve: (answer: Answer) => void } | undefined;
  #writing: Promise<WriteResult> | undefined;
  #timer: Timer | undefined;
  #opened: { readonly promise: Promise<void>; readonly resolve: () => void } | undefined;

  constructor(options: CheckpointerOptions) {
    this.#options = options;
    this.#writtenAtMs = options.ports.clock.monotonicMs();
    options.doubt.addEventListener('abort', () => this.#onDoubt(), { once: true });
  }

  /** The last position that the daemon has stored for this session. */
  get written(): Position | undefined {
    return this.#written;
  }

  /** Why the last write failed; undefined once one has succeeded. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /** A deferred record was declared done: under `manual` the watermark is written at the end of the action, or in the next one. */
  declared(): void {
    this.#declared = true;
  }

  /** An action that takes positions has opened: processRecords or shutdownRequested. */
  actionOpened(): void {
    this.#phase = 'open';
    this.#wakeWishes();
    this.#armTimer();
  }

  /** The shard's own checkpoint will cover everything, so no position is written from here on. */
  shardEnding(): void {
    this.#phase = 'shardEnding';
    this.#wakeWishes();
  }

  /** One more record is settled; may start a write that runs beside the next handlers. */
  recordSettled(): void {
    this.#settledSince += 1;
    const { policy, lanes } = this.#options;
    if (policy.kind === 'periodic' || (policy.kind === 'record' && lanes)) this.#writeIfDue('recordSettled');
  }

  /** Under `record`, a record's checkpoint is stored before the next one starts. */
  afterRecord(): Promise<WriteResult> | undefined {
    return this.#options.policy.kind === 'record' && this.#phase === 'open' && this.#dirty() ? this.write() : undefined;
  }

  /** Before the action is acknowledged: nothing may be in flight any more. `force` writes whatever has moved. */
  async closeAction(force: boolean): Promise<void> {
    this.#timer?.cancel();
    await this.#writing;
    const since = { settled: this.#settledSince, elapsedMs: this.#elapsedMs() };
    const wanted = this.#wishes > 0 || (this.#declared && this.#options.policy.kind === 'manual');
    const due = force || wanted || checkpointDue(this.#options.policy, 'batchDone', since);
    if (due && this.#dirty()) await this.write();
    // In lanes a record may settle between the end of a write and this line, and start the next one.
    while (this.#writing !== undefined) await this.#writing;
    this.#phase = 'closed';
  }

  /** Writes the watermark now, with retries; concurrent calls share one write. */
  write(): Promise<WriteResult> {
    this.#writing ??= this.#writeWatermark().finally(() => {
      this.#writing = undefined;
    });
    return this.#writing;
  }

  /**
   * What `context.checkpoint()` does: resolves once a checkpoint at or beyond today's watermark is stored.
   * Between actions it waits for the next one; idle shards get one within the daemon's idle time (heartbeat).
   * While the shard ends it resolves at once: the shard's own checkpoint follows and cannot be waited for from inside.
   */
  async request(): Promise<void> {
    const wanted = this.#options.watermark.position;
    this.#wishes += 1;
    try {
      while (wanted !== undefined && !this.#covers(wanted) && this.#phase !== 'shardEnding') {
        if (this.#options.doubt.aborted) throw this.#options.doubt.reason;
        if (this.#phase === 'closed') {
          await this.#whenOpened();
          continue;
        }
        const result = await this.write();
        if (result.kind === 'failed') throw result.error;
      }
    } finally {
      this.#wishes -= 1;
    }
  }

  /** The argument-less checkpoint at the end of the shard: tried again without limit; false when the lease is in doubt. */
  async writeShardEnd(onFailure: (error: Error) => void): Promise<boolean> {
    const { ports, doubt } = this.#options;
    for (let tries = 1; !doubt.aborted; tries += 1) {
      const answer = await this.#send('SHARD_END');
      if (answer.kind === 'ok') return true;
      if (answer.kind === 'leaseLost') return false;
      onFailure(checkpointFailed('SHARD_END', answer));
      if (!(await sleepUntilAborted(ports.clock, backoffMs(BACKOFF, tries, ports.random), doubt))) return false;
    }
    return false;
  }

  /** The daemon's answer, or the session's refusal to send. */
  answered(answer: Answer): void {
    const inFlight = this.#inFlight;
    if (inFlight === undefined) return;
    this.#inFlight = undefined;
    const error = answer.kind === 'ok' ? undefined : answer.kind === 'rejected' ? answer.code : answer.error;
    this.#options.report.emit({ kind: 'checkpointAnswered', target: inFlight.target, error });
    inFlight.resolve(answer);
  }

  /** Stops the timer when the session ends. */
  end(): void {
    this.#timer?.cancel();
    this.#phase = 'closed';
  }

  async #writeWatermark(): Promise<WriteResult> {
    const { watermark, ports, doubt, report } = this.#options;
    for (let tries = 1; ; tries += 1) {
      const target = watermark.position;
      if (doubt.aborted) return { kind: 'leaseLost' };
      if (target === undefined || this.#covers(target) || this.#phase !== 'open') return { kind: 'clean' };
      const settledBefore = this.#settledSince;
      const answer = await this.#send(target);
      if (answer.kind === 'ok') {
        this.#stored(target, settledBefore);
        return { kind: 'written' };
      }
      if (answer.kind === 'leaseLost') return { kind: 'leaseLost' };
      const error = checkpointFailed(target, answer);
      report.log.warn({ err: error, tries }, 'A checkpoint was not written.');
      if (answer.kind !== 'retryable' || tries >= TRIES_IN_ACTION) {
        this.#failure = error;
        return { kind: 'failed', error };
      }
      await sleepUntilAborted(ports.clock, backoffMs(BACKOFF, tries, ports.random), doubt);
    }
  }

  #send(target: CheckpointTarget): Promise<Answer> {
    return new Promise((resolve) => {
      this.#inFlight = { target, resolve };
      this.#options.report.emit({ kind: 'checkpointRequested', target });
      this.#options.send(target);
    });
  }

  #stored(target: Position, settledBefore: number): void {
    this.#written = target;
    this.#declared &&= this.#dirty();
    this.#failure = undefined;
    this.#settledSince -= settledBefore;
    this.#writtenAtMs = this.#options.ports.clock.monotonicMs();
    this.#armTimer();
  }

  #writeIfDue(moment: Moment): void {
    if (this.#phase !== 'open' || this.#writing !== undefined || !this.#dirty()) return;
    const since = { settled: this.#settledSince, elapsedMs: this.#elapsedMs() };
    if (checkpointDue(this.#options.policy, moment, since)) void this.write();
  }

  /** A slow handler must not keep finished work from being written: the clock writes, too, while an action is open. */
  #armTimer(): void {
    const { policy, ports } = this.#options;
    this.#timer?.cancel();
    if (policy.kind !== 'periodic' || policy.everyMs === undefined || this.#phase !== 'open') return;
    const { everyMs } = policy;
    const inMs = Math.max(1, everyMs - this.#elapsedMs());
    this.#timer = ports.clock.setTimer(inMs, () => this.#onTimer(everyMs));
  }

  #onTimer(everyMs: number): void {
    this.#writeIfDue('timer');
    if (this.#phase === 'open')
      this.#timer = this.#options.ports.clock.setTimer(Math.max(1, everyMs), () => this.#onTimer(everyMs));
  }

  #onDoubt(): void {
    this.#timer?.cancel();
    this.#wakeWishes();
    this.answered({ kind: 'leaseLost', error: 'the lease is in doubt' });
  }

  #wakeWishes(): void {
    this.#opened?.resolve();
    this.#opened = undefined;
  }

  #whenOpened(): Promise<void> {
    if (this.#opened === undefined) {
      let resolve = (): void => undefined;
      const promise = new Promise<void>((resolved) => {
        resolve = resolved;
      });
      this.#opened = { promise, resolve };
    }
    return this.#opened.promise;
  }

  #dirty(): boolean {
    const { position } = this.#options.watermark;
    return position !== undefined && !this.#covers(position);
  }

  #covers(position: Position): boolean {
    return this.#written !== undefined && comparePositions(position, this.#written) <= 0;
  }

  #elapsedMs(): number {
    return this.#options.ports.clock.monotonicMs() - this.#writtenAtMs;
  }
}

function checkpointFailed(target: CheckpointTarget, answer: Exclude<Answer, { kind: 'ok' }>): MillraceError {
  if (answer.kind === 'rejected')
    return new MillraceError('CHECKPOINT_REJECTED', `No checkpoint is possible here: ${answer.detail}`, {
      details: { target, code: answer.code },
    });
  return new MillraceError('CHECKPOINT_FAILED', `The daemon did not write the checkpoint: ${answer.error}.`, {
    details: { target, error: answer.error },
  });
}
