/**
 * Where the control sockets of a user's workers lie: in a folder that nobody else may enter, which is all the access
 * control there is. Workers and commands may have different environments, so commands look in every place.
 */
import { lstat, mkdir, readdir, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Environment } from '../definition/definition.js';
import { MillraceError, toError } from '../errors.js';

/** Addresses of local sockets are cut at about a hundred bytes. */
const PATH_BYTES_MAX = 100;
const NAME_CHARACTERS_MAX = 24;
const ENDING = '.sock';

/** The first one that serves is a worker's. */
export function controlFolders(env: Environment): readonly string[] {
  const places = [env['XDG_RUNTIME_DIR'], '/tmp', env['TMPDIR']];
  const known = places.filter((place): place is string => place !== undefined && place.startsWith('/'));
  return [...new Set(known.map((place) => join(place, `millrace.control.${process.getuid?.() ?? 'user'}`)))];
}

/** The name of a worker's socket: which application it serves first, and its process. */
export function socketName(applicationName: string, pid: number): string {
  return `${applicationName.replaceAll(/[^A-Za-z0-9_-]/g, '-').slice(0, NAME_CHARACTERS_MAX)}-${pid}`;
}

/** @throws MillraceError TRANSPORT_FAILED when no place has room for it; nobody else's folder is used. */
export async function makeControlFolder(env: Environment, name: string): Promise<{ folder: string; path: string }> {
  const problems: string[] = [];
  for (const folder of controlFolders(env)) {
    const path = join(folder, `${name}${ENDING}`);
    try {
      if (Buffer.byteLength(path) > PATH_BYTES_MAX) throw new Error(`${path} is too long for a socket`);
      await mkdir(folder, { mode: 0o700 }).catch(ignoreExisting);
      await checkOwner(folder);
      return { folder, path };
    } catch (error) {
      problems.push(toError(error).message);
    }
  }
  throw new MillraceError('TRANSPORT_FAILED', `There is no place for a control socket: ${problems.join('; ')}.`);
}

/** The sockets in the folders that are the user's own. */
export async function listSockets(env: Environment): Promise<readonly string[]> {
  const found = await Promise.all(controlFolders(env).map(socketsIn));
  return found.flat();
}

/** Of one folder; none when it is not there, or not ours. */
export async function socketsIn(folder: string): Promise<readonly string[]> {
  try {
    await checkOwner(folder);
    const names = await readdir(folder);
    return names.filter((name) => name.endsWith(ENDING)).map((name) => join(folder, name));
  } catch {
    // Not made yet, removed by its last worker, or somebody else's: there is nothing of ours in it.
    return [];
  }
}

/** Once the last worker has taken its socket away. */
export async function removeIfEmpty(folder: string): Promise<void> {
  await rmdir(folder).catch(() => undefined);
}

/** Anybody may make folders in /tmp. */
async function checkOwner(folder: string): Promise<void> {
  const found = await lstat(folder);
  const ours = found.isDirectory() && found.uid === process.getuid?.() && (found.mode & 0o077) === 0;
  if (!ours) throw new Error(`${folder} is not a folder of this user that nobody else may enter`);
}

function ignoreExisting(error: unknown): void {
  if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
}
