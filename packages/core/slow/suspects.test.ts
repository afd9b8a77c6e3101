/**
 * A record with which the process dies, in processes that really die: after the fourth death it is parked, and everything
 * else is handled. In host mode the same is shown on the real daemon, in e2e/suspects.test.ts.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { PutRecordsCommand } from '@aws-sdk/client-kinesis';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readParked } from '../src/dead-letter/parked-file.js';
import { startEmulator } from '../src/local/emulator.js';
import type { DeadLetterEntry } from '../src/ports.js';
import type { WireRecord } from '../src/protocol/messages.js';
import { emulatorClient } from '../test/support/emulator-client.js';
import { StdioChild } from '../test/support/stdio-child.js';

const fixture = fileURLToPath(new URL('fixtures/deadly.mjs', import.meta.url));
const silent = { debug() {}, info() {}, warn() {}, error() {} };
const SHARD = 'shardId-000000000000';
const DEATHS = 4;

let folder: string;
const children = new Set<{ kill(signal: NodeJS.Signals): unknown }>();

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-suspects-'));
});
afterEach(async () => {
  for (const child of children) child.kill('SIGKILL');
  children.clear();
  await rm(folder, { recursive: true, force: true });
});

async function handled(): Promise<readonly string[]> {
  const text = await readFile(join(folder, 'handled.txt'), 'utf8').catch(() => '');
  return text.split('\n').flatMap((line) => line.split(' ')[1] ?? []);
}

async function parked(): Promise<readonly DeadLetterEntry[]> {
  const all: DeadLetterEntry[] = [];
  for await (const entry of readParked(join(folder, 'parked'))) all.push(entry);
  return all;
}

function record(n: number, text: string): WireRecord {
  return {
    sequenceNumber: String(10n ** 55n + BigInt(n)),
    subSequenceNumber: 0,
    partitionKey: `key-${n}`,
    approximateArrivalTimestamp: 1_700_000_000_000,
    data: Buffer.from(text),
  };
}

describe('the child of a daemon', () => {
  /** TMPDIR is where it writes what is in flight. */
  async function startChild(): Promise<StdioChild> {
    const child = new StdioChild([fixture], folder, { TMPDIR: folder });
    children.add(child.process);
    await child.start();
    return child;
  }

  it('dies four times with the record, and parks it in its fifth life', async () => {
    const batch = ['a', 'b', 'deadly', 'c', 'd', 'e', 'f'].map((text, n) => record(n, text));
    for (let death = 1; death <= DEATHS; death += 1) {
      const child = await startChild();
      child.daemon.processRecords(batch, 0).catch(() => undefined);
      expect(await child.exited, `death ${death}`).toBeNull();
      expect(await parked()).toEqual([]);
    }

    const child = await startChild();
    await child.daemon.processRecords(batch, 0);
    for (let waits = 0; waits < 300 && new Set(await handled()).size < 6; waits += 1) await sleep(100);
    await child.daemon.shutdownRequested();

    expect(await child.end()).toBe(0);
    expect(child.stored.at(-1)).toMatchObject({ sequenceNumber: batch.at(-1)?.sequenceNumber });
    const [entry, ...others] = await parked();
    expect(others).toEqual([]);
    expect(entry).toMatchObject({ handler: 'note', attempts: 0, causes: [{ code: 'SUSPECT_RECORD' }] });
    expect(entry?.id).toContain(batch[2]?.sequenceNumber);
    expect(new Set(await handled())).toEqual(new Set(['a', 'b', 'c', 'd', 'e', 'f']));
    const left = (await readdir(folder, { recursive: true })).filter((name) => name.includes(SHARD));
    expect(left).toEqual([]);
  }, 60_000);
});

describe('the local engine', () => {
  it('dies four times with the record, whatever other shards do, and parks it in its fifth life', async () => {
    const emulator = await startEmulator({ streams: [{ name: 'deadly', shards: 2 }], logger: silent });
    const client = emulatorClient(emulator);
    const texts = Array.from({ length: 40 }, (_, n) => (n === 17 ? 'deadly' : `note-${n}`));
    const live = (): ChildProcess => {
      const env = { ...process.env, MILLRACE_ENGINE: 'local', MILLRACE_KINESIS_ENDPOINT: emulator.endpoint };
      const child = spawn(process.execPath, [fixture], {
        cwd: folder,
        env: { ...env, ...emulatorCredentials() },
        stdio: ['ignore', 'ignore', 'inherit'],
      });
      children.add(child);
      return child;
    };
    try {
      await client.send(
        new PutRecordsCommand({
          StreamName: 'deadly',
          Records: texts.map((text, n) => ({ PartitionKey: `key-${n}`, Data: Buffer.from(text) })),
        }),
      );
      for (let death = 1; death <= DEATHS; death += 1) {
        expect(await once(live(), 'exit'), `death ${death}`).toEqual([null, 'SIGKILL']);
        expect(await parked()).toEqual([]);
      }

      const last = live();
      for (let waits = 0; waits < 300 && (await parked()).length === 0; waits += 1) await sleep(100);
      for (let waits = 0; waits < 300 && new Set(await handled()).size < 39; waits += 1) await sleep(100);
      last.kill('SIGTERM');
      expect(await once(last, 'exit')).toEqual([0, null]);

      expect((await parked()).map(({ causes }) => causes[0]?.code)).toEqual(['SUSPECT_RECORD']);
      expect(new Set(await handled())).toEqual(new Set(texts.filter((text) => text !== 'deadly')));
      expect(await readdir(join(folder, '.millrace'))).toEqual(['deadly.checkpoints.json']);
    } finally {
      client.destroy();
      await emulator.stop();
    }
  }, 120_000);
});

function emulatorCredentials(): Readonly<Record<string, string>> {
  return { AWS_ACCESS_KEY_ID: 'local', AWS_SECRET_ACCESS_KEY: 'local', AWS_REGION: 'us-east-1' };
}
