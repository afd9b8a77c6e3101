/** Brings the store up to its list: what is missing or damaged is downloaded, everything is verified at the end. */
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isMillraceError } from '../errors.js';
import type { Clock, Random } from '../ports.js';
import { downloadFile, storeFailure } from './download-file.js';
import type { LockedJar } from './jar-lock.js';
import { partialFolder, type JarStore } from './jar-store.js';
import { inspectJars, verifyJars } from './jar-verify.js';
import type { MavenRepository } from './maven-repository.js';

/** Watches a fetch. It must not throw. */
export interface FetchObserver {
  /** Once, before the first download. `mended` names the jars in the store that were damaged. */
  started(plan: { readonly jars: number; readonly bytes: number; readonly mended: readonly string[] }): void;
  received(bytes: number): void;
  finished(jar: { readonly file: string; readonly bytes: number }): void;
}

export interface FetchPorts {
  readonly repository: MavenRepository;
  readonly clock: Clock;
  readonly random: Random;
  readonly signal: AbortSignal;
  readonly observer: FetchObserver;
}

export interface Fetched {
  readonly jars: number;
  readonly bytes: number;
  /** False when the signal aborted; what was downloaded until then stays. */
  readonly complete: boolean;
}

const PARALLEL = 8;
/** What a fetch left that was killed; a running one is younger. */
const LEFTOVER_MS = 24 * 60 * 60 * 1_000;

/**
 * Safe beside other fetches into the same store: each writes under names of its own and publishes whole files only.
 *
 * @throws MillraceError DOWNLOAD_FAILED with the first file that did not come; JAR_REFUSED for one with other content, and
 * for jars in the folder that are on no list.
 */
export async function fetchJars(store: JarStore, ports: FetchPorts): Promise<Fetched> {
  const { jars } = await inspectJars(store);
  const wanted = jars.filter(({ state }) => state.kind !== 'ok');
  const mended = jars.filter(({ state }) => state.kind === 'refused').map(({ jar }) => jar.file);
  const bytes = wanted.reduce((sum, { jar }) => sum + jar.bytes, 0);
  if (wanted.length > 0) {
    ports.observer.started({ jars: wanted.length, bytes, mended });
    await prepareFolder(store.folder, ports.clock);
    const download = (jar: LockedJar, signal: AbortSignal): Promise<void> => fetchJar(jar, store, { ...ports, signal });
    await inParallel(
      wanted.map(({ jar }) => jar),
      download,
      ports.signal,
    );
  }
  if (ports.signal.aborted) return { jars: wanted.length, bytes, complete: false };
  await verifyJars(store);
  return { jars: wanted.length, bytes, complete: true };
}

/**
 * Eight at once. The first failure ends the others, and is the one that is told.
 *
 * @throws whatever the first task to fail threw, after all have ended.
 */
export async function inParallel<T>(
  items: readonly T[],
  task: (item: T, signal: AbortSignal) => Promise<void>,
  outer: AbortSignal,
): Promise<void> {
  const failure = new AbortController();
  const signal = AbortSignal.any([outer, failure.signal]);
  const queue = items.values();
  const worker = async (): Promise<void> => {
    for (const item of queue) {
      if (signal.aborted) return;
      try {
        await task(item, signal);
      } catch (error) {
        if (!failure.signal.aborted) failure.abort(error);
      }
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, worker));
  if (failure.signal.aborted) throw failure.signal.reason;
}

async function fetchJar(jar: LockedJar, { folder }: JarStore, ports: FetchPorts): Promise<void> {
  const { path, file, bytes, sha256 } = jar;
  const wanted = { path, target: join(folder, file), partial: partialFolder(folder), expected: { bytes, sha256 } };
  try {
    const received = await downloadFile(wanted, { ...ports, onBytes: (count) => ports.observer.received(count) });
    if (received !== undefined) ports.observer.finished(jar);
  } catch (error) {
    throw isMillraceError(error) ? error : storeFailure(folder, error);
  }
}

async function prepareFolder(folder: string, clock: Clock): Promise<void> {
  const partial = partialFolder(folder);
  try {
    await mkdir(partial, { recursive: true });
    for (const name of await readdir(partial)) {
      const file = join(partial, name);
      const left = await stat(file).catch(goneMeanwhile);
      if (left !== undefined && clock.now() - left.mtimeMs > LEFTOVER_MS) await rm(file, { force: true });
    }
  } catch (error) {
    throw storeFailure(folder, error);
  }
}

/** Another fetch has published or removed the file since it was listed. */
function goneMeanwhile(): undefined {
  return undefined;
}
