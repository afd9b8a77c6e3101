import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { LogFields, Logger } from '../ports.js';
import { startJava, type JavaProcess } from './java-process.js';

let cwd: string;
let started: JavaProcess[];
beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'java-process-'));
  started = [];
});
afterEach(async () => {
  for (const process of started) process.killSession();
  await Promise.all(started.map(({ exited }) => exited));
  await rm(cwd, { recursive: true });
});

/** A shell that behaves as Java does where it matters; `said` waits for a line of it. */
async function start(script: string, env: Readonly<Record<string, string>> = {}) {
  const messages: string[] = [];
  const waiting = new Map<string, () => void>();
  const hear = (_: LogFields, message: string) => {
    messages.push(message);
    for (const [text, resolve] of waiting) if (message.startsWith(text)) resolve();
  };
  const logger: Logger = { debug: hear, info: hear, warn: hear, error: hear };
  const plan = { command: '/bin/bash', args: ['-c', script] };
  const java = await startJava(plan, { env: { PATH: process.env['PATH'], ...env }, cwd, logger });
  started.push(java);
  const said = async (text: string) => {
    if (!messages.some((message) => message.startsWith(text)))
      await new Promise<void>((resolve) => waiting.set(text, resolve));
    return messages.find((message) => message.startsWith(text)) ?? '';
  };
  return { java, said, messages };
}

/** Nobody may have asked for the exit of an orphan yet; then it is dead all the same. */
const isAlive = (pid: number) => {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
};
const isGone = (pid: number) => expect.poll(() => isAlive(pid), { interval: 5 }).toBe(false);

it('tells the code, and what was logged last', async () => {
  const { java } = await start('echo Error: no such class; exit 3');
  expect(await java.exited).toEqual({ code: 3 });
  expect(java.lastLines()).toEqual(['Error: no such class']);
});

it('asks Java alone to end', async () => {
  const { java, said } = await start("trap 'echo asked; exit 143' TERM; sleep 60 & echo child $!; wait");
  const child = Number((await said('child')).split(' ')[1]);
  java.terminate();
  await said('asked');
  // The child holds the pipe, and the exit is told all the same.
  expect(await java.exited).toEqual({ code: 143 });
  expect(isAlive(child)).toBe(true);
  java.killSession();
  await isGone(child);
});

it('ends all that Java started, in whatever group it is', async () => {
  const { java, said } = await start('set -m; sleep 60 & echo child $!; wait');
  const child = Number((await said('child')).split(' ')[1]);
  java.killSession();
  expect(await java.exited).toEqual({ signal: 'SIGKILL' });
  await isGone(child);
});

it('is a session of its own', async () => {
  const { java, said } = await start('ps -o sid= -p $$ | sed "s/ *//;s/^/session /"');
  expect(await said('session')).toBe(`session ${java.pid}`);
});

it('hands on the environment without what two processes cannot share', async () => {
  const options = '--require ./tracer.cjs --inspect=9229';
  const env = { AWS_REGION: 'eu-west-1', NODE_OPTIONS: options, NODE_CHANNEL_FD: '3', NODE_ENV: 'production' };
  const { java, messages } = await start('env', env);
  await java.exited;
  expect(messages).toContain('AWS_REGION=eu-west-1');
  expect(messages).toContain('NODE_ENV=production');
  expect(messages).toContain('NODE_OPTIONS=--require ./tracer.cjs');
  expect(messages.filter((line) => line.startsWith('NODE_CHANNEL'))).toEqual([]);
});

it('names an executable that cannot be run', async () => {
  const logger: Logger = {
    debug: () => undefined,
    info: () => undefined,
    warn: () => undefined,
    error: () => undefined,
  };
  const file = join(cwd, 'java');
  await expect(startJava({ command: file, args: [] }, { env: {}, cwd, logger })).rejects.toMatchObject({
    code: 'JAVA_UNUSABLE',
    message: expect.stringContaining(`${file} in ${cwd}: `),
  });
  await writeFile(file, '');
  await expect(startJava({ command: file, args: [] }, { env: {}, cwd, logger })).rejects.toMatchObject({
    code: 'JAVA_UNUSABLE',
  });
});
