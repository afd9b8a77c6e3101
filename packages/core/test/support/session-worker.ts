/** The smallest worker that obeys the protocol: it handles a batch, checkpoints what it was told to, and acknowledges. */
import type { ByteChannel } from '../../src/ports.js';
import { decodeMessage } from '../../src/protocol/decoder.js';
import { encodeMessage } from '../../src/protocol/encoder.js';
import { LineSplitter } from '../../src/protocol/line-splitter.js';
import type { CheckpointTarget, DaemonMessage, WireRecord } from '../../src/protocol/messages.js';
import type { CheckpointResult, SessionInput, SessionOutput } from '../../src/protocol/session-types.js';
import { startSession, step } from '../../src/protocol/shard-session.js';

type ActionMessage = Exclude<DaemonMessage, { kind: 'checkpoint' }>;

export interface SessionWork {
  /** Handles an action and says what to checkpoint before it is acknowledged. */
  handle(message: ActionMessage): CheckpointTarget | undefined | Promise<CheckpointTarget | undefined>;
  answered?(result: CheckpointResult): void;
  ended?(why: string): void;
}

/** Serves a session until its channel ends. */
export function startWorker(channel: ByteChannel, work: SessionWork): void {
  const worker = new SessionWorker(channel, work);
  worker.start();
}

class SessionWorker {
  #state = startSession();
  readonly #splitter = new LineSplitter(1_000_000);

  constructor(
    private readonly channel: ByteChannel,
    private readonly work: SessionWork,
  ) {}

  start(): void {
    this.channel.start({
      data: (chunk) => {
        for (const line of this.#splitter.push(chunk)) this.#feed({ kind: 'message', message: decodeMessage(line) });
      },
      end: () => {
        this.#feed({ kind: 'endOfInput' });
      },
    });
  }

  #feed(input: SessionInput): void {
    const { state, outputs } = step(this.#state, input, { validateSequenceNumber: false });
    this.#state = state;
    for (const output of outputs) this.#perform(output);
  }

  #perform(output: SessionOutput): void {
    switch (output.kind) {
      case 'send':
        this.channel.write(encodeMessage(output.message));
        return;
      case 'begin':
        void this.#begin(output.message);
        return;
      case 'checkpointAnswered':
        this.work.answered?.(output.result);
        this.#feed({ kind: 'actionDone' });
        return;
      case 'ended':
        this.work.ended?.(output.why);
        void this.channel.close();
        return;
      case 'rejected':
      case 'violation':
        throw new Error(`${output.kind}: ${output.detail}`);
      case 'leaseDoubt':
        return;
      default:
        return output satisfies never;
    }
  }

  async #begin(message: ActionMessage): Promise<void> {
    const target = await this.work.handle(message);
    if (this.#state.kind === 'ended') return;
    this.#feed(target === undefined ? { kind: 'actionDone' } : { kind: 'checkpoint', target });
  }
}

/** The last record of a batch as a checkpoint; undefined for an empty batch. */
export function endOf(records: readonly WireRecord[]): CheckpointTarget | undefined {
  const last = records.at(-1);
  return last === undefined
    ? undefined
    : { sequenceNumber: last.sequenceNumber, subSequenceNumber: last.subSequenceNumber };
}
