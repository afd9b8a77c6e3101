/** A folder that nobody else may enter, for what the daemon, its relays and the hosts find each other by. */
import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MillraceError, toError } from '../errors.js';
import { assetFile } from '../package-files.js';

/** Addresses of local sockets are cut at about a hundred bytes. */
const SOCKET_PATH_BYTES_MAX = 100;
export const FOLDER_PREFIX = 'millrace-';
export const GUARD = 'guard.sh';
export const SOCKET = 'supervisor';
const ASSETS = ['relay.sh', GUARD] as const;

export interface PrivateFolder {
  readonly path: string;
  /** The address of the supervisor's socket. */
  readonly socket: string;
  remove(): Promise<void>;
}

/**
 * Makes the folder below TMPDIR, or /tmp, with the scripts in it.
 *
 * @throws MillraceError DAEMON_FAILED when no such folder can be written, as with a read-only root and no tmpfs.
 */
export async function makePrivateFolder(): Promise<PrivateFolder> {
  const path = await makeFolder();
  for (const name of ASSETS) {
    // Copied, because the daemon cuts its command at blanks, and the package may be installed below a path with some.
    const text = await readFile(assetFile(name));
    await writeFile(join(path, name), text, { mode: 0o700 });
  }
  const touching = setInterval(() => void touch(path), TOUCH_EVERY_MS);
  touching.unref();
  return {
    path,
    socket: join(path, SOCKET),
    async remove() {
      clearInterval(touching);
      await rm(path, { recursive: true, force: true });
    },
  };
}

/** Some systems remove from /tmp what nobody has touched for ten days; a worker may live for months. */
const TOUCH_EVERY_MS = 6 * 3_600_000;

async function touch(path: string): Promise<void> {
  const now = new Date();
  const names = await readdir(path).catch(() => []);
  await Promise.allSettled(['', ...names].map((name) => utimes(join(path, name), now, now)));
}

async function makeFolder(): Promise<string> {
  const places = [...new Set([tmpdir(), '/tmp'])].filter(
    (place) => !/\s/.test(place) && Buffer.byteLength(place) < SOCKET_PATH_BYTES_MAX - 30,
  );
  const problems: string[] = [];
  for (const place of places) {
    try {
      return await mkdtemp(join(place, FOLDER_PREFIX));
    } catch (error) {
      problems.push(toError(error).message);
    }
  }
  throw new MillraceError(
    'DAEMON_FAILED',
    `No private folder can be made for the daemon: ${problems.join('; ') || 'TMPDIR has blanks, or is too long'}. Let TMPDIR name a writable folder without blanks in its path; with a read-only root, mount a tmpfs at /tmp.`,
    { details: { places } },
  );
}
