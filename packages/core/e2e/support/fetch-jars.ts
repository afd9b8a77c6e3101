/** Once for all suites: the daemon's jars and the archive of its classes, as a user would fetch them. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const MILLRACE = fileURLToPath(new URL('../../bin/millrace.js', import.meta.url));

export async function setup(): Promise<void> {
  await promisify(execFile)(process.execPath, [MILLRACE, 'jars', 'fetch']);
}
