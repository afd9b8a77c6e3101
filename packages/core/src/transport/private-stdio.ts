/**
 * Takes the daemon's pipes away from descriptors 0 and 1, where user code, its libraries and its child processes would read and write
 * them: one stray `console.log(null)` ends the daemon with all its shards, and a child process that reads its standard input swallows records.
 * Afterwards 0 is /dev/null, 1 leads where 2 leads, and the pipes live on descriptors that no child process inherits.
 */
import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { MillraceError } from '../errors.js';

const STDIN = 0;
const STDOUT = 1;
const STDERR = 2;

/** Linux has both; other systems have the second, or none. */
const DESCRIPTOR_FOLDERS = ['/proc/self/fd', '/dev/fd'];
const NOWHERE = '/dev/null';

/** Opening a pipe whose other end has gone must fail at once instead of waiting for a new one. */
const { O_RDONLY, O_WRONLY, O_NONBLOCK, O_APPEND } = constants;

/**
 * The private descriptor of the pipe on standard input; undefined where there is no pipe or no way to open it a second time.
 * (A FIFO with a name, which no daemon makes, tells its end only to those who opened it while somebody wrote.)
 */
export function movePipeFromStdin(): number | undefined {
  const input = reopenPipe(STDIN, O_RDONLY | O_NONBLOCK);
  if (input !== undefined) replace(STDIN, () => openSync(NOWHERE, O_RDONLY));
  return input;
}

/** The private descriptor of the pipe on standard output, as movePipeFromStdin. */
export function movePipeFromStdout(): number | undefined {
  const output = reopenPipe(STDOUT, O_WRONLY | O_NONBLOCK);
  if (output !== undefined) replace(STDOUT, () => reopen(STDERR, O_WRONLY | O_APPEND) ?? openSync(NOWHERE, O_WRONLY));
  return output;
}

function reopenPipe(fd: number, flags: number): number | undefined {
  return fstatSync(fd).isFIFO() ? reopen(fd, flags) : undefined;
}

function reopen(fd: number, flags: number): number | undefined {
  for (const folder of DESCRIPTOR_FOLDERS) {
    try {
      return openSync(`${folder}/${fd}`, flags);
    } catch {
      // Not here: no such folder, or nothing that can be opened by name (a socket).
    }
  }
  return undefined;
}

/** The lowest free descriptor is the one just closed. */
function replace(fd: number, open: () => number): void {
  closeSync(fd);
  const landed = open();
  if (landed === fd) return;
  closeSync(landed);
  throw new MillraceError(
    'TRANSPORT_FAILED',
    `Descriptor ${fd} was taken while Millrace moved the daemon's pipe away from it. Start Millrace before anything that opens files or sockets.`,
    {
      details: { fd, landed },
    },
  );
}
