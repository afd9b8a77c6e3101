/**
 * Checkpoints of the local engine in one JSON file.
 *
 * C1 A put resolves only when the file with its value was synced, renamed into place, and its folder synced.
 * C2 One process owns the file (process-lock.ts).
 * C3 A file that cannot be understood, or belongs to another application or stream, is an error: never a fresh start.
 */
import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { syncFolder } from '../dead-letter/sync-folder.js';
import { MillraceError, toError } from '../errors.js';
import type { Logger } from '../ports.js';
import type { CheckpointTarget } from '../protocol/messages.js';
import { formatCheckpointFile, parseCheckpointFile, type CheckpointFile } from './checkpoint-file.js';
import type { CheckpointStore } from './checkpoint-store.js';
import { DaemonError } from './daemon-error.js';
import { lockForThisProcess, type ProcessLock } from './process-lock.js';

export interface FileCheckpointStoreOptions {
  readonly applicationName: string;
  readonly stream: string;
  readonly logger: Logger;
}

/**
 * Opens the checkpoint file at `path`, makes its folder if needed, and locks it for this process until `close()`.
 *
 * @throws MillraceError with code CHECKPOINT_STORE_FAILED when the file is in use, corrupt, of another application or
 * stream, or cannot be read or written.
 */
export async function openFileCheckpointStore(
  path: string,
  options: FileCheckpointStoreOptions,
): Promise<CheckpointStore> {
  const file = resolve(path);
  const lock = await takeLock(file);
  try {
    return new FileCheckpointStore({ ...options, file, lock }, await readCheckpoints(file, options));
  } catch (error) {
    await lock.release();
    throw error;
  }
}

interface OpenFile extends FileCheckpointStoreOptions {
  readonly file: string;
  readonly lock: ProcessLock;
}

interface PendingPut {
  readonly shardId: string;
  readonly target: CheckpointTarget;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

class FileCheckpointStore implements CheckpointStore {
  private pending: PendingPut[] = [];
  private writing: Promise<void> | undefined;
  private closed = false;

  constructor(
    private readonly opened: OpenFile,
    private durable: ReadonlyMap<string, CheckpointTarget>,
  ) {}

  get empty(): boolean {
    return this.durable.size === 0;
  }

  get(shardId: string): CheckpointTarget | undefined {
    return this.durable.get(shardId);
  }

  put(shardId: string, target: CheckpointTarget): Promise<void> {
    if (this.closed) return Promise.reject(failed(`The checkpoint file ${this.opened.file} is closed.`));
    return new Promise((resolvePut, reject) => {
      this.pending.push({ shardId, target, resolve: resolvePut, reject });
      this.writing ??= this.writeAll();
    });
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.writing;
    await this.opened.lock.release();
  }

  /** What arrives while one write is under way goes into the next: many shards share one sync. */
  private async writeAll(): Promise<void> {
    // Puts of the same turn of the event loop come along.
    await Promise.resolve();
    while (this.pending.length > 0) {
      const batch = this.pending;
      this.pending = [];
      await this.write(batch);
    }
    this.writing = undefined;
  }

  private async write(batch: readonly PendingPut[]): Promise<void> {
    const checkpoints = new Map([...this.durable, ...batch.map((put) => [put.shardId, put.target] as const)]);
    try {
      await replaceDurably(this.opened.file, formatCheckpointFile({ ...this.opened, checkpoints }));
    } catch (cause) {
      const { file, logger } = this.opened;
      const message = `The checkpoint file ${file} cannot be written: ${toError(cause).message}. Mend the disk or its permissions; the worker tries again.`;
      logger.error({ file, error: toError(cause).message }, message);
      for (const put of batch) put.reject(new DaemonError('KinesisClientLibDependencyException', message, cause));
      return;
    }
    this.durable = checkpoints;
    for (const put of batch) put.resolve();
  }
}

async function replaceDurably(file: string, text: string): Promise<void> {
  const temporary = `${file}.tmp`;
  const handle = await open(temporary, 'w', 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(temporary, file);
  await syncFolder(dirname(file));
}

async function takeLock(file: string): Promise<ProcessLock> {
  const attempt = await mkdir(dirname(file), { recursive: true })
    .then(() => lockForThisProcess(file))
    .catch((cause: unknown) => {
      throw failed(
        `The checkpoint file ${file} cannot be locked: ${toError(cause).message}. Give this process write access to the folder, or name another file.`,
        cause,
      );
    });
  if (attempt.kind === 'acquired') return attempt.lock;
  const { pid, host, claim } = attempt;
  const mend = attempt.elsewhere
    ? `If that worker does not run any more, delete ${claim}.`
    : 'Stop that worker, or give this one another checkpoint file.';
  throw failed(`The checkpoint file ${file} is in use by process ${pid} on ${host}. ${mend}`);
}

async function readCheckpoints(
  file: string,
  options: FileCheckpointStoreOptions,
): Promise<ReadonlyMap<string, CheckpointTarget>> {
  const text = await readTextIfAny(file);
  if (text === undefined) return new Map();
  const read = parseCheckpointFile(text);
  switch (read.kind) {
    case 'corrupt':
      throw failed(
        `The checkpoint file ${file} cannot be understood: ${read.why}. Restore it from a backup, or delete it to begin at the initial position again.`,
      );
    case 'newer':
      throw failed(
        `The checkpoint file ${file} was written by a newer Millrace (version ${read.version}). Update Millrace, or name another file.`,
      );
    case 'ok':
      return checkOwnership(file, options, read.file);
    default:
      return read satisfies never;
  }
}

function checkOwnership(
  file: string,
  options: FileCheckpointStoreOptions,
  found: CheckpointFile,
): ReadonlyMap<string, CheckpointTarget> {
  if (found.applicationName === options.applicationName && found.stream === options.stream) return found.checkpoints;
  throw failed(
    `The checkpoint file ${file} belongs to application "${found.applicationName}" on stream "${found.stream}", not to "${options.applicationName}" on "${options.stream}". Name another file, or delete this one.`,
  );
}

async function readTextIfAny(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw failed(`The checkpoint file ${file} cannot be read: ${toError(error).message}.`, error);
  }
}

function failed(message: string, cause?: unknown): MillraceError {
  return new MillraceError('CHECKPOINT_STORE_FAILED', message, cause === undefined ? {} : { cause });
}
