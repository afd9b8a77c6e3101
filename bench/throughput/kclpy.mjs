/** amazon_kclpy from PyPI, its source alone: what it would install beside are the jars of the daemon, which nobody needs here. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const VERSION = '3.1.3';
const CACHE = fileURLToPath(new URL('../../node_modules/.cache/', import.meta.url));
const TARGET = join(CACHE, `amazon_kclpy-${VERSION}`);
const INSTALL_TIMEOUT_MS = 180_000;

/** The folder to import it from; undefined, and a loud word, where it cannot be had. */
export function findKclpy() {
  if (existsSync(TARGET)) return TARGET;
  mkdirSync(CACHE, { recursive: true });
  const folder = mkdtempSync(join(CACHE, 'kclpy-'));
  try {
    const pip = ['-m', 'pip', 'download', '-q', '--no-deps', '--no-binary', ':all:', `amazon_kclpy==${VERSION}`];
    execFileSync('python3', pip, { cwd: folder, timeout: INSTALL_TIMEOUT_MS, stdio: ['ignore', 'ignore', 'pipe'] });
    const [archive] = readdirSync(folder);
    execFileSync('tar', ['xzf', archive], { cwd: folder });
    renameSync(join(folder, `amazon_kclpy-${VERSION}`), TARGET);
    return TARGET;
  } catch (error) {
    console.error(`\n*** SKIPPED: amazon_kclpy ${VERSION} cannot be installed here. ${error.message}\n`);
    return undefined;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
