/**
 * Parks records in JSON-lines files. What the file system promises only after an fsync is not promised by us before:
 *
 * F1 A write resolves when its line and the file's name in the folder are synced, and the file is still there.
 * F2 After any error the file is never written again: a line may be torn, and the next one would be glued to it.
 * F3 A file belongs to one process; its name says which, and repeats of a record are seen by its id.
 * F4 A file that is written has a name of its own (G1). It gets its last one when the sink closes, or at the first write
 *    after an hour: only then may replay remove it, once all of its entries are gone.
 */
import { randomBytes } from 'node:crypto';
import type { Stats } from 'node:fs';
import { mkdir, open, rename, type FileHandle } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { SinkContext, SinkDescription } from '../definition/definition.js';
import { MillraceError, toError } from '../errors.js';
import type { Clock, DeadLetterEntry, DeadLetterSink } from '../ports.js';
import { formatEntry } from './entry-text.js';
import { CLOSED_END, OPEN_END } from './segments.js';
import { syncFolder } from './sync-folder.js';

export interface FileSinkOptions {
  /** Made if it is missing; relative to the working directory. */
  readonly directory: string;
  /** Says that the directory outlives this machine, a network volume for example. Default false. */
  readonly durable?: boolean;
}

const WRITTEN_AT_MOST_MS = 3_600_000;

/**
 * A dead-letter sink that appends to files in a directory: `@DeadLetter(file({ directory: './parked' }))`. Nothing is
 * opened before the worker starts. Writes reject with SINK_FAILED.
 */
export function file(options: FileSinkOptions): SinkDescription {
  const durable = options.durable ?? false;
  return {
    sink: 'millrace.sink',
    label: `file ${options.directory}`,
    durable,
    place: { kind: 'file', directory: options.directory },
    open: async (context) => {
      warnUnlessDurable(options, context);
      const sink = new FileSink(resolve(options.directory), { durable, clock: context.ports.clock });
      await sink.prepare();
      return sink;
    },
  };
}

async function statAndClose(handle: FileHandle): Promise<Stats> {
  try {
    return await handle.stat();
  } finally {
    await handle.close();
  }
}

function warnUnlessDurable(options: FileSinkOptions, { engine, applicationName, ports }: SinkContext): void {
  if (engine !== 'daemon' || options.durable === true) return;
  ports.logger.warn(
    { applicationName, directory: options.directory },
    `Dead letters go to ${options.directory} on this machine's disk and are lost with it. Say file({ durable: true }) if the directory outlives the machine, or park to SQS, S3 or Kinesis.`,
  );
}

interface WaitingWrite {
  readonly line: string;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

interface WrittenFile {
  readonly handle: FileHandle;
  /** Without the end that says whether it is written. */
  readonly path: string;
  readonly openedAtMs: number;
}

class FileSink implements DeadLetterSink {
  readonly durable: boolean;
  private file: WrittenFile | undefined;
  private files = 0;
  private waiting: WaitingWrite[] = [];
  private writing: Promise<void> | undefined;
  private closed = false;
  private readonly id = `${process.pid}-${randomBytes(6).toString('hex')}`;
  private readonly clock: Clock;

  constructor(
    private readonly directory: string,
    { durable, clock }: { readonly durable: boolean; readonly clock: Clock },
  ) {
    this.durable = durable;
    this.clock = clock;
  }

  /** Finds out at start, not at the first poison record, whether the directory can be written. */
  async prepare(): Promise<void> {
    try {
      await mkdir(this.directory, { recursive: true });
      await syncFolder(this.directory);
    } catch (cause) {
      throw this.failed(cause);
    }
  }

  write(entry: DeadLetterEntry, signal: AbortSignal): Promise<void> {
    if (this.closed) return Promise.reject(this.failed(new Error('the sink is closed')));
    if (signal.aborted) return Promise.reject(this.failed(signal.reason));
    return new Promise((resolveWrite, reject) => {
      this.waiting.push({ line: formatEntry(entry), resolve: resolveWrite, reject });
      this.writing ??= this.writeAll();
    });
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.writing;
    await this.finishFile();
  }

  /** Writes that come while one is under way share the next sync. */
  private async writeAll(): Promise<void> {
    await Promise.resolve();
    while (this.waiting.length > 0) {
      const batch = this.waiting;
      this.waiting = [];
      await this.append(batch);
    }
    this.writing = undefined;
  }

  private async append(batch: readonly WaitingWrite[]): Promise<void> {
    try {
      if (this.isOld()) await this.finishFile();
      this.file ??= await this.newFile();
      const { handle } = this.file;
      await handle.appendFile(batch.map((write) => `${write.line}\n`).join(''));
      await handle.sync();
      if ((await handle.stat()).nlink === 0) throw new Error('its file was removed while it was written');
    } catch (cause) {
      await this.abandonFile();
      for (const write of batch) write.reject(this.failed(cause));
      return;
    }
    for (const write of batch) write.resolve();
  }

  private isOld(): boolean {
    return this.file !== undefined && this.clock.monotonicMs() - this.file.openedAtMs >= WRITTEN_AT_MOST_MS;
  }

  private async newFile(): Promise<WrittenFile> {
    this.files += 1;
    const path = join(this.directory, `parked-${this.id}-${this.files}`);
    const handle = await open(`${path}${OPEN_END}`, 'ax', 0o600);
    try {
      await syncFolder(this.directory);
      return { handle, path, openedAtMs: this.clock.monotonicMs() };
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  private async finishFile(): Promise<void> {
    const { file: finished } = this;
    this.file = undefined;
    if (finished === undefined) return;
    // All of it may be gone by now, and the file with it.
    const { handle, path } = finished;
    const { nlink } = await statAndClose(handle);
    if (nlink === 0) return;
    await rename(`${path}${OPEN_END}`, `${path}${CLOSED_END}`);
    await syncFolder(this.directory);
  }

  private async abandonFile(): Promise<void> {
    try {
      await this.finishFile();
    } catch {
      // Nothing more can be done for a file that failed; the error of the write is the one that is told.
    }
  }

  private failed(cause: unknown): MillraceError {
    const message = `The dead-letter directory ${this.directory} did not take a record: ${toError(cause).message}. Check that it exists, has space and can be written.`;
    return new MillraceError('SINK_FAILED', message, { cause, details: { directory: this.directory } });
  }
}
