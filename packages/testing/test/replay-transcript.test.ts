/** Transcripts of Amazon's daemon, played on beds: see packages/core/test/golden. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineConsumer, recordHandler, type ConsumerDefinition } from '@millrace/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { replayTranscript, testBed, toHaveCheckpointed, check } from '../src/index.js';

const golden = (name: string): URL => new URL(`../../core/test/golden/${name}.jsonl`, import.meta.url);

function consumer(handle: (payload: unknown) => void, decode: 'text' | 'json' = 'text'): ConsumerDefinition {
  return defineConsumer({
    name: 'Again',
    stream: 'again',
    applicationName: 'again',
    checkpoint: 'batch',
    deadLetter: { sink: 'SINK' },
    handlers: [recordHandler({ name: 'note', decode, handle })],
  });
}

describe('replayTranscript', () => {
  it('delivers what the daemon delivered, hands over as it did, and ends where the recorded worker ended', async () => {
    const handled: unknown[] = [];
    await using bed = await testBed(consumer((text) => void handled.push(text)));

    const { records, checkpointed } = await replayTranscript(bed, golden('e-sigterm-graceful'));

    expect(handled).toEqual(['r0', 'r1', 'r2', 'r3', 'r4', 'r5'].slice(0, handled.length));
    expect(records).toHaveLength(handled.length);
    expect(handled.length).toBeGreaterThan(1);
    expect(bed.shard().ended).toEqual({ kind: 'ended', why: 'leaseLost' });
    if (checkpointed === undefined) throw new Error('The recorded worker has checkpointed.');
    check(toHaveCheckpointed(bed.shard(), checkpointed));
  });

  it('ends a shard as it ended', async () => {
    await using bed = await testBed(consumer(() => undefined));
    const { checkpointed } = await replayTranscript(bed, golden('c-split.shard0'));
    expect(checkpointed).toBe('SHARD_END');
    expect(bed.shard().stored).toBe('SHARD_END');
  });

  it('lets checkpoints fail as they failed; this worker tries again', async () => {
    await using bed = await testBed(consumer(() => undefined));
    const { checkpointed } = await replayTranscript(bed, golden('j-checkpoint-throttled'));
    expect(checkpointed).toBeUndefined();
    expect(bed.timeline()).toContain('failed: ThrottlingException');
    check(toHaveCheckpointed(bed.shard(), bed.delivered.at(-1)!));
  });

  it('takes a lease away where it was taken', async () => {
    await using bed = await testBed(consumer(() => undefined));
    await replayTranscript(bed, golden('h-checkpoint-after-lease-stolen.shard0'));
    expect(bed.timeline()).toContain('failed: ShutdownException');
    expect(bed.shard().ended).toEqual({ kind: 'ended', why: 'leaseLost' });
  });

  it('keeps aggregates together', async () => {
    await using bed = await testBed(consumer(() => undefined));
    await replayTranscript(bed, golden('g-kpl-aggregated'));
    expect(Math.max(...bed.delivered.map(({ subSequenceNumber }) => subSequenceNumber))).toBeGreaterThan(0);
    expect(new Set(bed.delivered.map(({ sequenceNumber }) => sequenceNumber)).size).toBeLessThan(bed.delivered.length);
  });

  it('asks for payloads, because a transcript has none, once for each record and in order', async () => {
    const handled: unknown[] = [];
    const asked: string[] = [];
    await using bed = await testBed(consumer((payload) => void handled.push(payload), 'json'));
    await replayTranscript(bed, golden('e-sigterm-graceful'), {
      payloadFor: (record) => {
        asked.push(record.sequenceNumber);
        return { number: asked.length, bytes: record.data.length };
      },
    });
    expect(handled).toEqual(asked.map((_, index) => ({ number: index + 1, bytes: 2 })));
    expect(asked).toEqual(asked.toSorted());
  });
});

describe('a file that is no transcript', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'millrace-transcript-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it.each([
    [
      'orders.csv',
      'id,customer\n',
      /orders\.csv:1 is no line of a transcript\. Record one with the option transcripts/,
    ],
    ['half.jsonl', '{"atMs":0,"dir":"daemon","line":"{\\"action\\":"}\n', /half\.jsonl:1 is no line/],
    ['empty.jsonl', '', /empty\.jsonl the daemon delivers nothing/],
  ])('is refused by name: %s', async (name, text, why) => {
    const path = join(folder, name);
    writeFileSync(path, text);
    await using bed = await testBed(consumer(() => undefined));
    await expect(replayTranscript(bed, path)).rejects.toThrow(why);
  });

  it('waits as long as it was waited then', async () => {
    const path = join(folder, 'late.jsonl');
    const record = { data: 'MQ==', partitionKey: 'k', sequenceNumber: '1', subSequenceNumber: 0, action: 'record' };
    const line = JSON.stringify({ action: 'processRecords', records: [record], millisBehindLatest: 0 });
    const entries = [1_000, 61_000].map((atMs) => JSON.stringify({ atMs, dir: 'daemon', line }));
    writeFileSync(path, `${entries.join('\n')}\n`);
    await using bed = await testBed(consumer(() => undefined));
    await replayTranscript(bed, path);
    expect(bed.clock.elapsedMs).toBe(60_000);
    expect(bed.delivered).toHaveLength(2);
  });
});
