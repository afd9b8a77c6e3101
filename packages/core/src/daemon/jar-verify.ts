/**
 * Are the jars in the store the ones on the list? Every byte is hashed at every start: the trimmed set takes some tens of
 * milliseconds, and whatever is remembered instead (sizes, times) can be true of a changed file too.
 */
import { createHash } from 'node:crypto';
import { open, readdir, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { hasCode } from './file-error.js';
import { MillraceError, toError } from '../errors.js';
import type { LockedJar } from './jar-lock.js';
import type { JarStore } from './jar-store.js';

export type JarState =
  | { readonly kind: 'ok' }
  | { readonly kind: 'missing' }
  /** `why` continues "the jar ...". */
  | { readonly kind: 'refused'; readonly why: string };

export interface InspectedJar {
  readonly jar: LockedJar;
  readonly state: JarState;
}

export interface Inspection {
  readonly jars: readonly InspectedJar[];
  /** Jars in the folder that stand on no list. */
  readonly foreign: readonly string[];
}

/** Few enough to keep the memory small, enough to keep disk and processor busy. */
const READERS = 4;
const CHUNK_BYTES = 256 * 1024;

/**
 * The explicit class path: absolute paths in the order of the list, each checked by size and SHA-256 a moment ago.
 *
 * @throws MillraceError JAR_REFUSED naming every jar that is truncated, changed, swapped or on no list; JARS_MISSING when
 * all that is there is right but not all is there.
 */
export async function verifyJars(store: JarStore): Promise<readonly string[]> {
  const inspection = await inspectJars(store);
  const refused = refusals(inspection);
  const missing = inspection.jars.filter(({ state }) => state.kind === 'missing').map(({ jar }) => jar.file);
  if (refused.length > 0) throw refusedError(store, { refused, missing });
  if (missing.length > 0) throw missingError(store, missing);
  return store.jars.map(({ file }) => join(store.folder, file));
}

/** The state of every jar of the class path, in the order of the list. */
export async function inspectJars(store: JarStore): Promise<Inspection> {
  const present = await jarFiles(store.folder);
  const known = new Set(store.lock.jars.map(({ file }) => file));
  const states = new Map<LockedJar, JarState>();
  const queue = store.jars.values();
  const buffers = Array.from({ length: READERS }, () => Buffer.allocUnsafe(CHUNK_BYTES));
  const reader = async (buffer: Buffer): Promise<void> => {
    for (const jar of queue) {
      states.set(jar, present.has(jar.file) ? await inspectJar(jar, store, buffer) : { kind: 'missing' });
    }
  };
  await Promise.all(buffers.map(reader));
  return {
    jars: store.jars.map((jar) => ({ jar, state: states.get(jar) ?? { kind: 'missing' } })),
    foreign: [...present].filter((file) => !known.has(file)).toSorted(),
  };
}

function refusals({ jars, foreign }: Inspection): readonly string[] {
  return [
    ...jars.flatMap(({ jar, state }) => (state.kind === 'refused' ? [`${jar.file} ${state.why}`] : [])),
    ...foreign.map((file) => `${file} is on no list; remove it`),
  ];
}

async function jarFiles(folder: string): Promise<ReadonlySet<string>> {
  try {
    return new Set((await readdir(folder)).filter((name) => name.endsWith('.jar')));
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return new Set();
    throw new MillraceError('JARS_MISSING', `The jars in ${folder} cannot be listed: ${toError(error).message}`, {
      cause: error,
    });
  }
}

async function inspectJar(jar: LockedJar, { folder, lock }: JarStore, buffer: Buffer): Promise<JarState> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(join(folder, jar.file), 'r');
    const stats = await handle.stat();
    if (!stats.isFile()) return refused('is not a file');
    const { size } = stats;
    // Another jar of the list under this name has another size as a rule; then its digest tells which one it is.
    const known = lock.jars.some(({ bytes }) => bytes === size);
    const sha256 = known ? await digest(handle, buffer) : undefined;
    if (sha256 === jar.sha256) return { kind: 'ok' };
    const other = lock.jars.find((other) => other.sha256 === sha256);
    if (other !== undefined) return refused(`holds what belongs into ${other.file}`);
    if (size < jar.bytes) return refused(`is truncated: ${size} of ${jar.bytes} bytes`);
    if (size > jar.bytes) return refused(`is too long: ${size} instead of ${jar.bytes} bytes`);
    return refused(`is changed: SHA-256 ${sha256} instead of ${jar.sha256}`);
  } catch (error) {
    return refused(`cannot be read: ${toError(error).message}`);
  } finally {
    await handle?.close();
  }
}

async function digest(handle: FileHandle, buffer: Buffer): Promise<string> {
  const hash = createHash('sha256');
  for (;;) {
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, null);
    if (bytesRead === 0) return hash.digest('hex');
    hash.update(buffer.subarray(0, bytesRead));
  }
}

const refused = (why: string): JarState => ({ kind: 'refused', why });

interface Faults {
  readonly refused: readonly string[];
  readonly missing: readonly string[];
}

function refusedError({ folder }: JarStore, { refused, missing }: Faults): MillraceError {
  const lines = [...refused, ...missing.map((file) => `${file} is missing`)].map((fault) => `  - ${fault}`);
  return new MillraceError(
    'JAR_REFUSED',
    `The jars in ${folder} are not those of the list:\n${lines.join('\n')}\n\`millrace jars fetch\` replaces damaged jars; jars on no list are yours to remove.`,
    { details: { folder, refused, missing } },
  );
}

const NAMED = 3;

function missingError({ folder, jars }: JarStore, missing: readonly string[]): MillraceError {
  const names = missing.slice(0, NAMED).join(', ');
  const more = missing.length > NAMED ? ` and ${missing.length - NAMED} more` : '';
  return new MillraceError(
    'JARS_MISSING',
    `${missing.length} of the daemon's ${jars.length} jars are not in ${folder}: ${names}${more}. Run \`millrace jars fetch\` once, at build time or on this machine; MILLRACE_JARS names another folder.`,
    { details: { folder, missing } },
  );
}
