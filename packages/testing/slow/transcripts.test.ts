/** A transcript from end to end: recorded in a worker process, without its payloads, and played on a bed. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defineConsumer, recordHandler } from '@millrace/core';
import type { WireRecord } from '@millrace/core/internal';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { StdioChild } from '../../core/test/support/stdio-child.js';
import { check, replayTranscript, testBed, toHaveCheckpointed, toHaveHandled } from '../src/index.js';

const PROGRAM = fileURLToPath(new URL('../../core/slow/fixtures/counter.mjs', import.meta.url));
const SECRETS = ['Alice Example', '4111-1111', 'customer-of-mine'];

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-transcripts-'));
});
afterEach(() => rm(folder, { recursive: true }));

function wire(number: number): WireRecord {
  return {
    sequenceNumber: String(number),
    subSequenceNumber: 0,
    partitionKey: 'customer-of-mine',
    approximateArrivalTimestamp: 1_700_000_000_000,
    data: Buffer.from(JSON.stringify({ number, name: 'Alice Example', card: '4111-1111' })),
  };
}

it('is written with MILLRACE_TRANSCRIPTS, tells nothing of the payloads, and plays again', async () => {
  const child = new StdioChild([PROGRAM], folder, { MILLRACE_TRANSCRIPTS: join(folder, 'transcripts') });
  await child.start();
  await child.daemon.processRecords([wire(1), wire(2)], 0);
  await child.daemon.processRecords([wire(3)], 0);
  expect(await child.end(), child.stderr).toBe(0);

  const [name = 'none'] = await readdir(join(folder, 'transcripts'));
  const path = join(folder, 'transcripts', name);
  const text = await readFile(path, 'utf8');
  for (const secret of SECRETS)
    for (const hidden of [secret, Buffer.from(secret).toString('base64').slice(0, 8)])
      expect(text).not.toContain(hidden);

  await using bed = await testBed(
    defineConsumer({
      name: 'Counter',
      stream: 'long',
      applicationName: 'long',
      checkpoint: 'batch',
      handlers: [recordHandler({ name: 'count', handle: () => undefined })],
    }),
  );
  const { records, checkpointed } = await replayTranscript(bed, path, {
    payloadFor: ({ sequenceNumber }) => ({ number: sequenceNumber }),
  });
  expect([...records.keys()]).toEqual(['1:0', '2:0', '3:0']);
  check(toHaveHandled(bed, ...records.values()));
  if (checkpointed === undefined) throw new Error('The recorded worker has checkpointed.');
  check(toHaveCheckpointed(bed.shard(), checkpointed));
});
