import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { openFileCheckpointStore } from '../src/local/file-checkpoint-store.js';

const silent = { debug() {}, info() {}, warn() {}, error() {} };
/** The store is none of the package's entries. */
const FROM_SOURCE = ['--import', '@oxc-node/core/register', '--input-type=module', '-e'];
const options = { applicationName: 'mailer', stream: 'orders', logger: silent };

/** Puts growing numbers for three shards as fast as it can and prints each one once its put has resolved. */
const writer = (path: string) => `
  const { openFileCheckpointStore } = await import(${JSON.stringify(new URL('../src/local/file-checkpoint-store.ts', import.meta.url).href)});
  const silent = { debug() {}, info() {}, warn() {}, error() {} };
  const store = await openFileCheckpointStore(${JSON.stringify(path)}, { applicationName: 'mailer', stream: 'orders', logger: silent });
  const writeShard = async (shard) => {
    let number = Number(store.get(shard)?.sequenceNumber ?? 0);
    for (;;) {
      number += 1;
      await store.put(shard, { sequenceNumber: String(number), subSequenceNumber: 0 });
      process.stdout.write(shard + ' ' + number + '\\n');
    }
  };
  await Promise.all(['A', 'B', 'C'].map(writeShard));
`;

it('a writer killed at random moments loses no checkpoint it was told is stored, and its successor starts at once', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'checkpoint-kill-'));
  const path = join(folder, 'mailer.json');
  const acknowledged = new Map<string, number>();
  try {
    for (let run = 0; run < 20; run += 1) {
      const child = spawn(process.execPath, [...FROM_SOURCE, writer(path)], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      let output = '';
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        output += text;
      });
      await once(child.stdout, 'data');
      await sleep(Math.random() * 60);
      child.kill('SIGKILL');
      await once(child, 'close');
      for (const line of output.split('\n').slice(0, -1)) {
        const [shard = '', number = ''] = line.split(' ');
        acknowledged.set(shard, Number(number));
      }
      const store = await openFileCheckpointStore(path, options);
      for (const [shard, number] of acknowledged) {
        const stored = store.get(shard);
        expect(typeof stored === 'object' ? Number(stored.sequenceNumber) : 0).toBeGreaterThanOrEqual(number);
      }
      await store.close();
    }
    expect([...acknowledged.keys()].toSorted()).toEqual(['A', 'B', 'C']);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
