/**
 * The second transport: Amazon's own Node client (aws-kcl) reads and writes the pipes, for those who must run on Amazon's code. Our session
 * stays in charge: it sees the same messages and decides the same way; aws-kcl gets streams of ours and carries out what the session says.
 *
 * What aws-kcl cannot do, and what this file makes of it:
 * - It cannot checkpoint sub-sequence numbers. A checkpoint at (sequence, sub) is written as (sequence, 0), which never covers more than
 *   was settled: after a restart the KPL user records 1 and up of that aggregate come again. Nothing is lost.
 *   Where the daemon's checkpoint already stands at that sequence number nothing is written, since (sequence, 0) might lie behind it,
 *   and the session is told that all is well.
 * - It crashes on lines, actions and answers it does not expect. Those go past it to our decoder and session, which report them.
 * - It splits lines with readline: on Node 24 at U+2028 and U+2029 in partition keys, too. These reach it as escapes.
 * - One process serves one shard, every batch is parsed twice, and the memory of a batch is needed several times over.
 */
import { PassThrough, Writable } from 'node:stream';
import type kcl from 'aws-kcl';
import { MillraceError, toError } from '../errors.js';
import type { ByteChannel, ChannelListener, Logger } from '../ports.js';
import { decodeWorkerMessage } from '../protocol/daemon-side.js';
import { LineSplitter } from '../protocol/line-splitter.js';
import type { Action, CheckpointTarget, WorkerMessage } from '../protocol/messages.js';
import { compareSequenceNumbers, isSequenceNumber } from '../protocol/position.js';
import { claimStdio } from './stdio-channel.js';

/** V8 makes no string longer than this; the session's own limit is far lower and gives the better error. */
const LINE_BYTES_MAX = 400 * 1024 * 1024;

/** Claims standard input and output as claimStdio does, with aws-kcl in between. Throws DEPENDENCY_MISSING when aws-kcl is not installed. */
export async function claimAwsKcl(logger?: Logger): Promise<ByteChannel> {
  const createProcess = await loadAwsKcl();
  return awsKclChannel(claimStdio(logger), createProcess);
}

async function loadAwsKcl(): Promise<typeof kcl> {
  try {
    return (await import('aws-kcl')).default;
  } catch (cause) {
    throw new MillraceError(
      'DEPENDENCY_MISSING',
      'The aws-kcl engine needs the package aws-kcl, which could not be loaded. Install it with: npm install aws-kcl@2',
      { cause },
    );
  }
}

/** The channel over any other one, for a client already loaded. */
export function awsKclChannel(pipes: ByteChannel, createProcess: typeof kcl): ByteChannel {
  return new AwsKclChannel(pipes, createProcess);
}

/** What aws-kcl waits for: the end of an action, and inside it the answer to one checkpoint. */
interface OpenAction {
  readonly complete: () => void;
  readonly checkpointer: kcl.Checkpointer | undefined;
}

class AwsKclChannel implements ByteChannel {
  readonly #pipes: ByteChannel;
  readonly #createProcess: typeof kcl;
  readonly #fromDaemon = new LineSplitter(LINE_BYTES_MAX);
  readonly #fromWorker = new LineSplitter(LINE_BYTES_MAX);
  readonly #input = new PassThrough();
  #listener: ChannelListener | undefined;
  #process: kcl.KclProcess | undefined;
  #open: OpenAction | undefined;
  #asked: CheckpointTarget | undefined;
  /** The sequence number the daemon's checkpoint stands at, as far as it is known. */
  #stored: string | undefined;

  constructor(pipes: ByteChannel, createProcess: typeof kcl) {
    this.#pipes = pipes;
    this.#createProcess = createProcess;
  }

  start(listener: ChannelListener): void {
    this.#listener = listener;
    this.#process = this.#createProcess(this.#processor(), this.#input, this.#output(), process.stderr);
    this.#process.run();
    let cause: Error | undefined;
    // After aws-kcl's own listener, so that its last line comes first.
    this.#input.once('end', () => this.#listener?.end(cause));
    const end = (why: Error | undefined) => {
      cause ??= why;
      this.#input.end();
    };
    this.#pipes.start({
      data: (chunk) => {
        try {
          this.#data(chunk);
        } catch (error) {
          end(toError(error));
        }
      },
      end,
    });
  }

  write(bytes: Uint8Array): void {
    for (const line of this.#fromWorker.push(bytes)) {
      const message = decodeWorkerMessage(line);
      if (message !== undefined) this.#carryOut(message);
    }
  }

  async close(): Promise<void> {
    this.#listener = undefined;
    this.#process?.cleanup();
    this.#process = undefined;
    this.#input.destroy();
    await this.#pipes.close();
  }

  #data(chunk: Uint8Array): void {
    for (const line of this.#fromDaemon.push(chunk)) {
      const text = this.#readable(line);
      if (text === undefined) this.#listener?.data(Buffer.concat([line, Buffer.from('\n')]));
      else this.#input.write(`${text}\n`);
    }
  }

  /** The line as aws-kcl can take it; undefined for one that would crash it. */
  #readable(line: Uint8Array): string | undefined {
    const fields = parseLine(line);
    if (fields === undefined) return undefined;
    const { action } = fields;
    const expected = action === 'checkpoint' ? this.#asked !== undefined : ACTIONS.has(action);
    return expected ? JSON.stringify(fields).replaceAll(/[\u2028\u2029]/g, escapeCharacter) : undefined;
  }

  #processor(): kcl.RecordProcessor {
    const begin = (action: Action) => (input: object & { checkpointer?: kcl.Checkpointer }, complete: () => void) => {
      const { checkpointer, ...fields } = input;
      this.#open = { complete, checkpointer };
      if (action === 'initialize') this.#noteStart(fields);
      this.#tell({ action, ...fields });
    };
    return {
      initialize: begin('initialize'),
      processRecords: begin('processRecords'),
      leaseLost: begin('leaseLost'),
      shardEnded: begin('shardEnded'),
      shutdownRequested: begin('shutdownRequested'),
    };
  }

  #noteStart(fields: { readonly sequenceNumber?: unknown }): void {
    const { sequenceNumber } = fields;
    if (typeof sequenceNumber === 'string' && isSequenceNumber(sequenceNumber)) this.#stored = sequenceNumber;
  }

  #output(): Writable {
    return new Writable({
      write: (chunk: Uint8Array, _encoding, written) => {
        this.#pipes.write(chunk);
        written();
      },
    });
  }

  #carryOut(message: WorkerMessage): void {
    switch (message.kind) {
      case 'status': {
        const { complete } = this.#open ?? {};
        // Calling it twice would write two statuses; aws-kcl does not guard against that.
        this.#open = undefined;
        complete?.();
        return;
      }
      case 'checkpoint':
        this.#checkpoint(message.target);
        return;
      default:
        message satisfies never;
    }
  }

  #checkpoint(target: CheckpointTarget): void {
    const checkpointer = this.#open?.checkpointer;
    if (
      target !== 'SHARD_END' &&
      this.#stored !== undefined &&
      compareSequenceNumbers(target.sequenceNumber, this.#stored) === 0
    ) {
      queueMicrotask(() => this.#answer(target, null));
      return;
    }
    this.#asked = target;
    const answered = (error: string | null | undefined) => {
      this.#asked = undefined;
      if (!error && target !== 'SHARD_END') this.#stored = target.sequenceNumber;
      this.#answer(target, error ?? null);
    };
    if (target === 'SHARD_END') checkpointer?.checkpoint(answered);
    else checkpointer?.checkpoint(target.sequenceNumber, answered);
  }

  /** With the numbers that were asked for: aws-kcl forgets one of them. */
  #answer(target: CheckpointTarget, error: string | null): void {
    const { sequenceNumber, subSequenceNumber } =
      target === 'SHARD_END' ? { sequenceNumber: null, subSequenceNumber: null } : target;
    this.#tell({ action: 'checkpoint', sequenceNumber, subSequenceNumber, error });
  }

  #tell(message: object): void {
    this.#listener?.data(Buffer.from(`${JSON.stringify(message)}\n`));
  }
}

const ACTIONS: ReadonlySet<unknown> = new Set<Action>([
  'initialize',
  'processRecords',
  'shutdownRequested',
  'leaseLost',
  'shardEnded',
]);

function parseLine(line: Uint8Array): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(line.buffer, line.byteOffset, line.byteLength).toString('utf8'));
    // Any object is a record of unknown fields.
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    // Our own decoder says what is wrong with it.
    return undefined;
  }
}

function escapeCharacter(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16)}`;
}
