/**
 * What killed workers left: their guard ends their daemon and removes their folder, unless it was killed with them, as a
 * service manager does that loses its patience. The next worker on the machine does it then, before it looks for an id.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { lstat, readdir } from 'node:fs/promises';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { FOLDER_PREFIX, GUARD, SOCKET, type PrivateFolder } from './private-folder.js';

/** Looks beside our own folder. Rejects when this machine does not let it look, or start a shell. */
export async function clearLeftFolders({ path: own }: PrivateFolder): Promise<void> {
  const place = dirname(own);
  const names = (await readdir(place)).filter((name) => name.startsWith(FOLDER_PREFIX));
  await Promise.all(
    names.map(async (name) => {
      const path = join(place, name);
      if (path !== own && (await isOurs(path)) && (await isLeft(path))) await clear(path, own);
    }),
  );
}

/** Anybody may make folders in /tmp, and what this one says is done. */
async function isOurs(path: string): Promise<boolean> {
  try {
    const found = await lstat(path);
    return found.isDirectory() && found.uid === process.getuid?.() && (found.mode & 0o077) === 0;
  } catch {
    // Removed since it was listed.
    return false;
  }
}

/** Refused is what a socket answers whose process has died; where there is none, a worker starts or ends. */
async function isLeft(path: string): Promise<boolean> {
  const socket = connect(join(path, SOCKET));
  try {
    await once(socket, 'connect');
    return false;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ECONNREFUSED';
  } finally {
    socket.destroy();
  }
}

async function clear(path: string, own: string): Promise<void> {
  const shell = spawn('/bin/sh', [join(own, GUARD), path, 'dead'], { stdio: 'ignore' });
  await once(shell, 'exit');
}
