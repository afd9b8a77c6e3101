// Removes everything that a build or a check leaves behind; `tsc -b --clean` keeps the outputs of deleted sources.
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const outputs = ['dist', '.tsc-test', '.api-temp', 'coverage', '.snippets', '.ci/reports'];

const workspaces = ['packages', 'examples']
  .filter((folder) => existsSync(join(root, folder)))
  .flatMap((folder) => readdirSync(join(root, folder)).map((name) => join(folder, name)));

for (const folder of ['.', ...workspaces]) {
  for (const output of outputs) rmSync(join(root, folder, output), { recursive: true, force: true });
}
