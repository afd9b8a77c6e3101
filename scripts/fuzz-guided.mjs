// Lets jsfuzz, a fuzzer that is guided by coverage, look for inputs that packages/core/sim/guided.main.ts fails for:
// `npm run fuzz:guided -- 10` for ten minutes. It is fetched when it is used. What it has learned stays in .fuzz/corpus; what fails is
// in .fuzz/crash, and `npm run fuzz:guided -- .fuzz/crash` runs it again.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const JSFUZZ = 'jsfuzz@1.0.15';
const root = fileURLToPath(new URL('..', import.meta.url));
const folder = join(root, '.fuzz');
const target = join(folder, 'target.cjs');
const crash = join(folder, 'crash');
const [what = '10'] = process.argv.slice(2);
const minutes = Number(what);

await bundle();
if (Number.isFinite(minutes)) await look();
else createRequire(import.meta.url)(target).fuzz(readFileSync(what));

/** It instruments what is required, so this is one CommonJS file. */
async function bundle() {
  const bundled = await rolldown({
    input: join(root, 'packages/core/sim/guided.main.ts'),
    platform: 'node',
    tsconfig: join(root, 'packages/core/tsconfig.json'),
  });
  await bundled.write({ file: target, format: 'cjs' });
  await bundled.close();
}

async function look() {
  rmSync(crash, { force: true });
  const corpus = writeSeeds();
  // What it makes up from texts comes to no end with long lines.
  const options = ['--exact-artifact-path', crash, '--rss-limit-mb', '1024', '--timeout', '10', '--no-versifier'];
  const fuzzer = spawn('npx', ['-y', JSFUZZ, 'target.cjs', corpus, ...options], {
    cwd: folder,
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  // A part of a process group of its own, which its worker is in as well.
  const end = setTimeout(() => process.kill(-fuzzer.pid, 'SIGKILL'), minutes * 60_000);
  let last = '';
  for await (const line of createInterface({ input: fuzzer.stdout })) {
    if (line.startsWith('#')) last = line;
    else console.log(line);
  }
  clearTimeout(end);
  // It prints what it has read before its first input.
  if (!/^#[1-9]/.test(last)) throw new Error(`${JSFUZZ} has tried no input; what it said stands above.`);
  const found = readdirSync(folder).includes('crash');
  console.log(`[fuzzed] ${minutes} min, ${last}${found ? ', and something failed: see .fuzz/crash' : ''}`);
  process.exitCode = found ? 1 : 0;
}

/** Every line that Amazon's daemon is known to have written, for each reader. */
function writeSeeds() {
  const corpus = join(folder, 'corpus');
  mkdirSync(corpus, { recursive: true });
  const golden = join(root, 'packages/core/test/golden');
  const lines = readdirSync(golden, { recursive: true })
    .filter((name) => name.endsWith('.jsonl'))
    .flatMap((name) => readFileSync(join(golden, name), 'utf8').split('\n'))
    .filter((line) => line !== '' && line.length < 4_000);
  for (const line of new Set(lines.map(messageOf)))
    for (const reader of [0, 1, 4])
      writeFileSync(
        join(corpus, createHash('sha256').update(`${reader}${line}`).digest('hex')),
        Buffer.concat([Buffer.of(reader), Buffer.from(line)]),
      );
  return corpus;
}

function messageOf(line) {
  const entry = JSON.parse(line);
  return typeof entry.line === 'string' ? entry.line : line;
}
