/** The whole application on a real Kinesis API: what main.ts puts together, with an emulator instead of AWS. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { KinesisClient, PutRecordCommand } from '@aws-sdk/client-kinesis';
import { createWorker, startEmulator, type Emulator, type Logger } from '@millrace/core';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createApplication } from '../src/application.js';
import { awilixPort } from '../src/awilix-port.js';
import { ParcelTracker } from '../src/parcel-tracker.js';
import type { Scan } from '../src/scan.js';
import { createServices } from '../src/services.js';

const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} };
const scan: Scan = { parcel: 'p-1', place: 'Berlin', at: '2026-01-02T10:00:00Z' };

let folder: string;
let emulator: Emulator;
const home = process.cwd();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'embedded-'));
  emulator = await startEmulator({ streams: [{ name: 'scans', shards: 1 }], logger: silent });
  // Dead letters go to a folder relative to the working directory.
  process.chdir(folder);
});
afterAll(async () => {
  process.chdir(home);
  await emulator.stop();
  await rm(folder, { recursive: true, force: true });
});

it('answers with what came through the stream, and stops with a checkpoint', async () => {
  const services = createServices();
  const worker = createWorker([ParcelTracker], {
    engine: 'local',
    container: awilixPort(services),
    logger: silent,
    properties: { kinesisEndpoint: emulator.endpoint, regionName: emulator.region, idleTimeBetweenReadsInMillis: 250 },
  });
  const application = createApplication(services, worker);
  const port = await application.start(0);
  const find = () => fetch(`http://127.0.0.1:${port}/parcels/p-1`);
  expect((await find()).status).toBe(404);

  await put(scan);
  while ((await find()).status === 404) await sleep(50);

  expect(await (await find()).json()).toEqual(scan);
  await application.stop();
  expect(await worker.closed).toEqual({ kind: 'stopped' });
  expect(await readFile('.millrace/parcel-tracker.checkpoints.json', 'utf8')).toMatch(/"sequenceNumber":"\d+"/);
});

async function put(value: Scan): Promise<void> {
  const client = new KinesisClient({
    endpoint: emulator.endpoint,
    region: emulator.region,
    credentials: { accessKeyId: 'AKIALOCAL', secretAccessKey: 'local' },
    requestHandler: new NodeHttpHandler(),
  });
  const record = { PartitionKey: value.parcel, Data: Buffer.from(JSON.stringify(value)) };
  await client.send(new PutRecordCommand({ StreamName: 'scans', ...record }));
  client.destroy();
}
