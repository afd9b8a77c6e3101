/** One file from a Maven repository onto the disk: checked before it has a name that anybody looks for. */
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, open, rename, rm, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { syncFolder } from '../dead-letter/sync-folder.js';
import { MillraceError, toError } from '../errors.js';
import { reason, type Answer } from './maven-repository.js';
import { retryTransfer, type Outcome, type TransferPorts } from './retry-transfer.js';

export interface WantedFile {
  /** In the repository. */
  readonly path: string;
  /** Where it is published by a rename; its folder exists. */
  readonly target: string;
  /** A folder on the same file system for the bytes that are not checked yet. */
  readonly partial: string;
  readonly expected: Expected;
}

export interface Expected {
  readonly bytes?: number;
  readonly sha256?: string;
  readonly sha1?: string;
}

export interface ReceivedFile {
  readonly bytes: number;
  readonly sha256: string;
}

export interface DownloadPorts extends TransferPorts {
  /** Bytes as they arrive; negative when an attempt failed and its bytes count no more. */
  readonly onBytes: (bytes: number) => void;
}

/**
 * Resolves when the file is durable under its name, or to undefined when the signal aborted.
 *
 * @throws MillraceError DOWNLOAD_FAILED when the repository does not give the file; JAR_REFUSED when it gives another one.
 */
export function downloadFile(wanted: WantedFile, ports: DownloadPorts): Promise<ReceivedFile | undefined> {
  const tryOnce = async (): Promise<Attempt> => {
    const answer = await ports.repository.get(wanted.path, ports.signal);
    switch (answer.kind) {
      case 'found':
        return receive(answer, wanted, ports);
      case 'absent':
        return { kind: 'final', why: `${answer.why}; MILLRACE_MAVEN_URL must name a repository that has it` };
      case 'refused':
        return { kind: 'final', why: answer.why };
      case 'passing':
        return answer;
      default:
        return answer satisfies never;
    }
  };
  return retryTransfer(basename(wanted.target), tryOnce, ports);
}

type Attempt = Outcome<ReceivedFile>;

type Found = Extract<Answer, { readonly kind: 'found' }>;

/** The temporary name is unique, so that two fetches at once only ever rename the same whole file onto each other. */
async function receive(found: Found, wanted: WantedFile, ports: DownloadPorts): Promise<Attempt> {
  const file = join(wanted.partial, `${basename(wanted.target)}.${randomUUID()}`);
  await mkdir(wanted.partial, { recursive: true });
  const handle = await open(file, 'wx');
  let published = false;
  try {
    const outcome = await write(found, { handle, expected: wanted.expected, ports });
    if (outcome.kind !== 'done') return outcome;
    await handle.sync();
    await rename(file, wanted.target);
    published = true;
    await syncFolder(dirname(wanted.target));
    return outcome;
  } finally {
    await handle.close();
    if (!published) await rm(file, { force: true });
  }
}

interface Writing {
  readonly handle: FileHandle;
  readonly expected: Expected;
  readonly ports: DownloadPorts;
}

async function write(found: Found, { handle, expected, ports }: Writing): Promise<Attempt> {
  const [sha256, sha1] = [createHash('sha256'), createHash('sha1')];
  let bytes = 0;
  const limit = expected.bytes ?? Number.POSITIVE_INFINITY;
  const give = (outcome: Attempt): Attempt => {
    if (outcome.kind !== 'done') ports.onBytes(-bytes);
    return outcome;
  };
  const chunks = found.body[Symbol.asyncIterator]();
  for (;;) {
    const next = await nextChunk(chunks);
    if (next.kind === 'broken') return give({ kind: 'passing', why: next.why, retryAfterMs: undefined });
    if (next.kind === 'end') break;
    bytes += next.chunk.length;
    ports.onBytes(next.chunk.length);
    // A file that is too long is not read to its end, which may never come.
    if (bytes > limit) {
      await found.dismiss();
      return give({ kind: 'wrong', why: `it is longer than ${limit} bytes` });
    }
    sha256.update(next.chunk);
    sha1.update(next.chunk);
    await handle.writeFile(next.chunk);
  }
  if (bytes < (expected.bytes ?? 0)) {
    const why = `only ${bytes} of ${expected.bytes} bytes came`;
    return give({ kind: 'passing', why, retryAfterMs: undefined });
  }
  const digests = { sha256: sha256.digest('hex'), sha1: sha1.digest('hex') };
  const why = mismatch(digests, expected);
  return give(why === undefined ? { kind: 'done', value: { bytes, sha256: digests.sha256 } } : { kind: 'wrong', why });
}

type Next =
  | { readonly kind: 'chunk'; readonly chunk: Uint8Array }
  | { readonly kind: 'end' }
  | { readonly kind: 'broken'; readonly why: string };

/** Apart from writing: a full disk is not a broken connection. */
async function nextChunk(chunks: AsyncIterator<Uint8Array>): Promise<Next> {
  try {
    const next = await chunks.next();
    return next.done === true ? { kind: 'end' } : { kind: 'chunk', chunk: next.value };
  } catch (error) {
    return { kind: 'broken', why: `the connection broke: ${reason(error)}` };
  }
}

function mismatch(actual: { readonly sha256: string; readonly sha1: string }, expected: Expected): string | undefined {
  if (expected.sha256 !== undefined && expected.sha256 !== actual.sha256) {
    return `its SHA-256 is ${actual.sha256}, the list says ${expected.sha256}`;
  }
  if (expected.sha1 !== undefined && expected.sha1 !== actual.sha1) {
    return `its SHA-1 is ${actual.sha1}, the repository's own checksum file says ${expected.sha1}`;
  }
  return undefined;
}

/** A store that cannot be written: said with the folder and the way out. */
export function storeFailure(folder: string, error: unknown): MillraceError {
  return new MillraceError(
    'DOWNLOAD_FAILED',
    `The jars cannot be written to ${folder}: ${toError(error).message}. MILLRACE_JARS names another folder.`,
    { cause: error, details: { folder } },
  );
}
