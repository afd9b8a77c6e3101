import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { childCommand, relayCommand } from './child-command.js';
import { programCommand } from './host-process.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-child-'));
});
afterEach(() => rm(folder, { recursive: true }));

it('is words without blanks, because the daemon cuts at them', async () => {
  expect(relayCommand('/tmp/x')).toBe('/bin/sh /tmp/x/relay.sh /tmp/x');
  expect(await childCommand({ folder, name: 'child-0', variables: {} })).toBe(`/bin/sh ${folder}/child-0.sh`);
});

it('starts this program with its arguments, and with variables that hold anything', async () => {
  const value = `it's "$HOME" \`id\` \\ ;`;
  await childCommand({ folder, name: 'child-0', variables: { MILLRACE_CHILD_OF: value } });
  const script = await readFile(join(folder, 'child-0.sh'), 'utf8');
  expect(script).toContain(`'${process.execPath}'`);

  // What the shell makes of it, with another program in the place of ours.
  const probe = script.replace(/^exec .*$/m, `exec '${process.execPath}' -p 'process.env.MILLRACE_CHILD_OF'`);
  const { stdout } = await promisify(execFile)('/bin/sh', ['-c', probe]);
  expect(stdout).toBe(`${value}\n`);
});

it('leaves out what two processes cannot share', () => {
  const given = [...process.execArgv];
  process.execArgv.push('--inspect=9229', '--watch', '--enable-source-maps');
  try {
    const words = programCommand();
    expect(words).toContain('--enable-source-maps');
    expect(words.filter((word) => /inspect|watch/.test(word))).toEqual([]);
    expect(words.slice(-process.argv.length + 1)).toEqual(process.argv.slice(1));
  } finally {
    process.execArgv.splice(0, process.execArgv.length, ...given);
  }
});
