/** A pipe such as Java makes for a child; Node's own `pipe` would give it a socket. */
import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync } from 'node:fs';

/** Descriptors of both ends; the caller closes them. */
export function openPipe(path) {
  execFileSync('mkfifo', [path]);
  const both = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  const read = openSync(path, constants.O_RDONLY);
  const write = openSync(path, constants.O_WRONLY);
  closeSync(both);
  return { read, write };
}
