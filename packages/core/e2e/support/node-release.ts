/** Other versions of Node, from the npm registry. */
import { execFile } from 'node:child_process';
import { tmpdir } from 'node:os';
import { promisify } from 'node:util';

/** The program of `node@24` itself, not a chain of npx, shell and node: it has to get our signals. */
export async function nodeRelease(version: string): Promise<string> {
  // Without what `npm run` says about this repository.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name)));
  const words = ['--yes', '--package', version, '--call', 'node -p process.execPath'];
  const { stdout } = await promisify(execFile)('npx', words, { cwd: tmpdir(), env });
  return stdout.trim();
}
