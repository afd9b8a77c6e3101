/** Where the daemon's jars are on this machine: a folder for each list of jars, so that versions never mix. */
import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import type { Environment } from '../definition/definition.js';
import { lockDigest, readBuiltInLock, readJarLock, type JarLock, type LockedJar } from './jar-lock.js';

export interface JarStore {
  /** The folder of this list, below the folder of all; it may not exist yet. */
  readonly folder: string;
  readonly lock: JarLock;
  /** What stands on the class path: the needed jars, or all with MILLRACE_JARS_ALL=1. */
  readonly jars: readonly LockedJar[];
}

/**
 * The store that the environment names: MILLRACE_JARS (the folder of all lists; default: `millrace/jars` in the user's
 * cache), MILLRACE_JARS_LOCK (a lock file instead of the built-in one), MILLRACE_JARS_ALL=1 (every jar that Maven
 * resolves instead of those the daemon loads). Nothing is downloaded and no jar is read.
 *
 * @throws MillraceError JAR_LOCK_INVALID when MILLRACE_JARS_LOCK names no list of jars.
 */
export async function openJarStore(env: Environment): Promise<JarStore> {
  const file = given(env, 'MILLRACE_JARS_LOCK');
  const lock = file === undefined ? await readBuiltInLock() : await readJarLock(file);
  const all = env['MILLRACE_JARS_ALL'] === '1';
  return {
    folder: storeFolder(env, lock),
    lock,
    jars: all ? lock.jars : lock.jars.filter(({ needed }) => needed),
  };
}

/** A changed list has another folder: a worker that runs keeps its jars while the next version's are fetched. */
export function storeFolder(env: Environment, lock: JarLock): string {
  return join(jarsFolder(env), `${lock.name}-${lockDigest(lock)}`);
}

/** The folder that holds a folder for each list. */
export function jarsFolder(env: Environment): string {
  const own = given(env, 'MILLRACE_JARS');
  if (own !== undefined) return resolve(own);
  const cache = given(env, 'XDG_CACHE_HOME');
  // The XDG specification has relative paths ignored.
  if (cache !== undefined && isAbsolute(cache)) return join(cache, 'millrace', 'jars');
  return join(given(env, 'HOME') ?? homedir(), '.cache', 'millrace', 'jars');
}

/** What is still being written: beside the jars, so that a rename is enough to publish it. */
export function partialFolder(folder: string): string {
  return join(folder, '.partial');
}

function given(env: Environment, name: string): string | undefined {
  const value = env[name];
  return value === undefined || value === '' ? undefined : value;
}
