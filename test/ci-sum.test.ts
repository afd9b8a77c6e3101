/** The last line of a build, and what stands before it. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';

const script = (name: string) => fileURLToPath(new URL(`../.ci/${name}`, import.meta.url));

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-sum-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

type Results = Readonly<Record<string, Readonly<Record<string, 'passed' | 'failed'>>>>;

/** As vitest writes it: by file and test. A file without tests could not be loaded. */
function writeReport(name: string, results: Results): void {
  const testResults = Object.entries(results).map(([file, tests]) => {
    const assertionResults = Object.entries(tests).map(([fullName, status]) => ({
      fullName,
      status,
      failureMessages: status === 'failed' ? [`Error: ${fullName} went wrong`] : [],
    }));
    const isWhole = assertionResults.length > 0 && assertionResults.every(({ status }) => status === 'passed');
    const message = assertionResults.length === 0 ? `${file} cannot be loaded` : '';
    return { name: join(folder, file), status: isWhole ? 'passed' : 'failed', message, assertionResults };
  });
  write(name, JSON.stringify({ testResults }));
}

const write = (name: string, text: string): void => writeFileSync(join(folder, name), text);

function sum() {
  const { stdout, status } = spawnSync(process.execPath, [script('sum.mjs'), folder], { encoding: 'utf8' });
  return { said: stdout, last: stdout.trimEnd().split('\n').at(-1), status };
}

it('counts tests of suites and checks as a whole', () => {
  writeReport('test.json', { 'a.test.ts': { one: 'passed', two: 'passed' } });
  write('lint.passed', 'npm run lint');

  expect(sum()).toMatchObject({ last: '3 passed, 0 failed', status: 0 });
});

it('tells every failure with its reason, and counts a suite that failed otherwise', () => {
  writeReport('test.json', { 'a.test.ts': { one: 'passed', two: 'failed' }, 'b.test.ts': {} });
  write('test.failed', 'npm test');
  write('speed.failed', 'npm run bench:check');

  const { said, ...ended } = sum();
  expect(ended).toEqual({ last: '1 passed, 3 failed', status: 1 });
  expect(said).toContain('two went wrong');
  expect(said).toContain('b.test.ts cannot be loaded');
  expect(said).toContain('speed failed: npm run bench:check');
});

it('counts what ran again as it went then, and does not conceal how it went before', () => {
  writeReport('slow.json', { 'a.test.ts': { one: 'passed' }, 'b.test.ts': { two: 'failed', three: 'passed' } });
  writeReport('slow.again.json', { 'b.test.ts': { two: 'passed', three: 'passed' } });

  const { said, ...ended } = sum();
  expect(ended).toEqual({ last: '3 passed, 0 failed', status: 0 });
  expect(said).toContain('failed at first in slow');
  expect(said).toContain('two went wrong');
});

it('is a failure when it fails again, and when nothing ran', () => {
  expect(sum()).toMatchObject({ last: '0 passed, 0 failed', status: 1 });

  writeReport('slow.json', { 'b.test.ts': { two: 'failed' } });
  writeReport('slow.again.json', { 'b.test.ts': { two: 'failed' } });
  write('slow.failed', 'npm run test:slow');
  expect(sum()).toMatchObject({ last: '0 passed, 1 failed', status: 1 });
});

it('runs again the files that failed', () => {
  writeReport('slow.json', { 'a.test.ts': { one: 'passed' }, 'b.test.ts': { two: 'failed' } });

  const options = { encoding: 'utf8', cwd: folder } as const;
  const { stdout } = spawnSync(process.execPath, [script('failed-files.mjs'), join(folder, 'slow.json')], options);
  expect(stdout).toBe('b.test.ts\n');
});
