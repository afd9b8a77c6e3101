/**
 * Where relays announce themselves. Two pipes without names: `alive`, whose other end only this process holds, so that
 * its end tells everybody of ours; and `bell`, into which a relay writes its process id. They are reached through
 * /proc/<supervisor>/fd, where a dead supervisor is an error at once and no open that waits.
 */
import { execFile } from 'node:child_process';
import { closeSync, constants, openSync } from 'node:fs';
import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { LineSplitter } from '../protocol/line-splitter.js';
import { pipeInput } from '../transport/pipe-descriptor.js';

export interface Door {
  close(): void;
}

const LINE_BYTES_MAX = 64;

/** Opens the door in a private folder; `ring` is called with the id of each process that announces itself. */
export async function openDoor(folder: string, ring: (pid: number) => void): Promise<Door> {
  const [alivePath, bellPath] = [join(folder, 'alive'), join(folder, 'bell')];
  await promisify(execFile)('mkfifo', ['-m', '600', alivePath, bellPath]);
  const alive = openBothWays(alivePath);
  const bell = openBothWays(bellPath);
  await Promise.all([rm(alivePath), rm(bellPath)]);
  const splitter = new LineSplitter(LINE_BYTES_MAX);
  const input = pipeInput(bell);
  input.start({
    data: (chunk) => {
      for (const line of splitter.push(chunk)) {
        const pid = Number(Buffer.from(line).toString());
        if (Number.isSafeInteger(pid) && pid > 1) ring(pid);
      }
    },
    // We hold a writing end ourselves, so this pipe never ends.
    end: () => undefined,
  });
  await publish(folder, `${process.pid} ${alive} ${bell}\n`);
  return {
    close() {
      input.stop();
      closeSync(alive);
    },
  };
}

/** Reading and writing: it needs no partner to open, and its end comes only when this process is gone. */
function openBothWays(path: string): number {
  return openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
}

async function publish(folder: string, text: string): Promise<void> {
  const draft = join(folder, 'door.draft');
  await writeFile(draft, text, { mode: 0o600 });
  await rename(draft, join(folder, 'door'));
}
