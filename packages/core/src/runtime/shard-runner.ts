/**
 * Serves one session: bytes in, messages through the pure session, work done, bytes out. The session (protocol/) decides
 * what may be written; this file only carries out what it says and tells it what has happened.
 */
import { isMillraceError, MillraceError, toError } from '../errors.js';
import { decodeMessage } from '../protocol/decoder.js';
import { encodeMessage } from '../protocol/encoder.js';
import { LineSplitter } from '../protocol/line-splitter.js';
import type { SessionInput, SessionOutput, SessionState } from '../protocol/session-types.js';
import { startSession, step } from '../protocol/shard-session.js';
import type { Wish, WishAnswer } from './orders.js';
import { Reporter } from './reporter.js';
import type { ShardRunnerOptions } from './runner-options.js';
import { drainBudgetMs, SessionLife } from './session-life.js';
import { ShardWork } from './shard-work.js';
import type { ShardStatus } from './shard-status.js';

export type SessionOutcome =
  | { readonly kind: 'ended'; readonly why: 'leaseLost' | 'shardEnded' | 'endOfInput' | 'left' }
  /** The protocol or the channel broke; the process must not go on with this child. */
  | { readonly kind: 'failed'; readonly error: MillraceError };

/** With the daemon still sending batches so long after the lease was lost, something is wrong that only a restart mends. */
const STRAY_BATCHES_MS = 60_000;

export class ShardRunner {
  readonly #options: ShardRunnerOptions;
  readonly #life: SessionLife;
  readonly #report: Reporter;
  readonly #work: ShardWork;
  readonly #splitter: LineSplitter;
  readonly #queue: SessionInput[] = [];
  #state: SessionState;
  #feeding = false;
  #finish: ((outcome: SessionOutcome) => void) | undefined;
  #working: Promise<void> = Promise.resolve();
  /** Ends without waiting for the daemon, as soon as no action is open. */
  #leaving = false;
  #reportedStray = false;

  constructor(options: ShardRunnerOptions) {
    this.#options = options;
    this.#life = new SessionLife(options.ports.clock);
    this.#report = new Reporter(options);
    this.#splitter = new LineSplitter(options.consumer.settings.lineBytesMax);
    this.#state = startSession();
    this.#work = new ShardWork({
      ...options,
      life: this.#life,
      report: this.#report,
      sendCheckpoint: (target) => this.#feed({ kind: 'checkpoint', target }),
    });
  }

  /** Serves until the session ends; never rejects. Call it once. */
  async run(): Promise<SessionOutcome> {
    const { channel } = this.#options;
    const outcome = await new Promise<SessionOutcome>((resolve) => {
      this.#finish = resolve;
      channel.start({ data: (chunk) => this.#onData(chunk), end: (cause) => this.#onEnd(cause) });
    });
    this.#life.doubt(outcome.kind === 'ended' ? `the session has ended (${outcome.why})` : outcome.error.message);
    await this.#working;
    const abandoned = await this.#work.close();
    await channel
      .close()
      .catch((error: unknown) => this.#report.log.warn({ err: toError(error) }, 'The channel did not close cleanly.'));
    this.#report.emit({
      kind: 'sessionEnded',
      why: outcome.kind === 'ended' ? outcome.why : outcome.error.code,
      abandoned,
    });
    return outcome;
  }

  /**
   * Intake ends, running handlers may finish within the budget, the rest is abandoned: the worker stops, or this shard
   * alone goes to another worker.
   */
  drain(reason: 'workerStopping' | 'handoff' = 'workerStopping'): void {
    if (!this.#life.drain(reason, drainBudgetMs(this.#options.consumer.settings))) return;
    this.#report.emit({ kind: 'draining', reason });
  }

  /**
   * Ends the session without the daemon's goodbye: once the open action is acknowledged, or at once with `cut`. For a
   * child whose worker has to end; the daemon sees its child go, and other workers take the shards over.
   */
  leave(how: 'afterAction' | 'cut'): void {
    this.#leaving = true;
    if (how === 'cut' || this.#state.kind === 'idle' || this.#state.kind === 'starting') this.#leave();
  }

  /** We may not own the shard any more: nothing starts, nothing is written (S4). */
  doubt(why: string): void {
    this.#feed({ kind: 'leaseDoubt', why });
  }

  /** What an operator wants of a record; undefined when it does not wait here. */
  operate(recordId: string, wish: Wish): Promise<WishAnswer> | undefined {
    return this.#work.operate(recordId, wish);
  }

  get status(): ShardStatus {
    return this.#work.status();
  }

  #onData(chunk: Uint8Array): void {
    try {
      for (const line of this.#splitter.push(chunk)) this.#feed({ kind: 'message', message: decodeMessage(line) });
      this.#splitter.letGo();
    } catch (error) {
      this.#fail(
        isMillraceError(error)
          ? error
          : new MillraceError('PROTOCOL_VIOLATION', 'A message of the daemon could not be read.', { cause: error }),
      );
    }
  }

  #onEnd(cause: Error | undefined): void {
    if (cause !== undefined) this.#report.log.warn({ err: cause }, 'The channel to the daemon broke.');
    this.#feed({ kind: 'endOfInput' });
  }

  /** One input after the other, also when carrying out an output makes the next one. */
  #feed(input: SessionInput): void {
    this.#queue.push(input);
    if (this.#feeding) return;
    this.#feeding = true;
    try {
      for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
        const { state, outputs } = step(this.#state, next, this.#options.consumer.settings);
        this.#state = state;
        for (const output of outputs) this.#perform(output);
      }
    } finally {
      this.#feeding = false;
    }
  }

  #perform(output: SessionOutput): void {
    switch (output.kind) {
      case 'send':
        this.#options.channel.write(encodeMessage(output.message));
        return;
      case 'begin':
        this.#begin(output.message);
        return;
      case 'checkpointAnswered':
        this.#work.checkpointAnswered(output.result);
        return;
      case 'rejected':
        this.#rejected(output);
        return;
      case 'leaseDoubt':
        this.#enterDoubt(output.why);
        return;
      case 'ended':
        this.#finish?.({ kind: 'ended', why: output.why });
        return;
      case 'violation':
        this.#fail(new MillraceError('PROTOCOL_VIOLATION', `The daemon broke the protocol: ${output.detail}`));
        return;
      default:
        output satisfies never;
    }
  }

  #begin(message: Extract<SessionOutput, { kind: 'begin' }>['message']): void {
    if (message.kind === 'initialize') {
      this.#report.setShard(message.shardId);
      this.#options.onShardKnown?.(message.shardId);
    }
    if (message.kind === 'processRecords') this.#watchForStrays();
    this.#working = this.#work.perform(message).then(
      () => this.#acknowledge(message.kind),
      (error: unknown) =>
        this.#fail(
          new MillraceError(
            'PROTOCOL_VIOLATION',
            `The runtime failed in ${message.kind}; this is a defect of Millrace.`,
            { cause: error },
          ),
        ),
    );
  }

  #watchForStrays(): void {
    const { state } = this.#life;
    const { clock } = this.#options.ports;
    if (this.#reportedStray || state.kind !== 'doubt' || clock.monotonicMs() - state.sinceMs <= STRAY_BATCHES_MS)
      return;
    this.#reportedStray = true;
    const message = 'Batches keep coming a minute after the lease was lost; the worker has to start anew.';
    this.#options.requestStop(new MillraceError('LEASE_LOST', message));
  }

  #acknowledge(action: string): void {
    this.#feed({ kind: 'actionDone' });
    this.#report.progress();
    this.#report.emit({ kind: 'acknowledged', action, unsettled: this.#work.unsettled });
    if (this.#leaving && this.#state.kind === 'idle') this.#leave();
  }

  #leave(): void {
    this.#finish?.({ kind: 'ended', why: 'left' });
  }

  #rejected(output: Extract<SessionOutput, { kind: 'rejected' }>): void {
    // What ends after its session has nobody left to tell.
    if (output.code === 'ENDED' && output.input !== 'checkpoint') return;
    if (output.input === 'checkpoint') this.#work.checkpointRejected(output.code, output.detail);
    else
      this.#report.log.error(
        { code: output.code, input: output.input },
        `The session refused an input: ${output.detail}`,
      );
  }

  #enterDoubt(why: string): void {
    if (!this.#life.doubt(why)) return;
    const reason = why.replace(/\.$/, '');
    this.#report.log.warn(
      {},
      `The lease is in doubt: ${reason}. No handler starts any more and nothing is checkpointed.`,
    );
    this.#report.emit({ kind: 'leaseDoubt', why });
  }

  #fail(error: MillraceError): void {
    this.#report.log.error({ err: error }, 'The session cannot go on.');
    this.#finish?.({ kind: 'failed', error });
  }
}
