import { appendFile, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { deadLetter } from '../../test/support/dead-letter.js';
import { ManualClock } from '../../test/support/manual-clock.js';
import { formatEntry } from '../dead-letter/entry-text.js';
import { file } from '../dead-letter/file-sink.js';
import { readParked } from '../dead-letter/parked-file.js';
import type { DeadLetterEntry } from '../ports.js';
import { openFileSource } from './file-source.js';
import type { TakenItem } from './parked-source.js';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'file-source-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const { signal } = new AbortController();
const logger = { debug() {}, info() {}, warn() {}, error() {} };
const notes: string[] = [];
const source = () =>
  openFileSource(directory, {
    clock: new ManualClock(Date.now()),
    note: (text) => void notes.push(text.slice(directory.length + 1)),
  });

function openSink() {
  const ports = { clock: new ManualClock(), random: () => 0, logger };
  return file({ directory }).open({ applicationName: 'mailer', stream: 'orders', engine: 'local', ports });
}

async function park(...entries: readonly DeadLetterEntry[]): Promise<void> {
  const sink = await openSink();
  for (const entry of entries) await sink.write(entry, signal);
  await sink.close();
}

/** Takes what is wanted and removes it; how the groups were, by sequence number. */
async function takeAll(wants: (entry: DeadLetterEntry) => boolean = () => true, removes = true) {
  const groups: string[][] = [];
  const taking = await source().take(wants);
  for await (const group of taking.groups(signal)) {
    groups.push(group.map(({ entry }) => entry.sequenceNumber));
    if (removes) await Promise.all(group.map((item) => item.remove()));
  }
  await taking.end();
  return groups;
}

async function still(): Promise<string[]> {
  const found: string[] = [];
  for await (const { sequenceNumber } of readParked(directory)) found.push(sequenceNumber);
  return found;
}
const files = async () => (await readdir(directory)).toSorted();

describe('parked records in files', () => {
  it('come by shard and position, whatever file they are in, and once each', async () => {
    await park(deadLetter('100'), deadLetter('3', { shardId: 'b' }), deadLetter('9'));
    await park(deadLetter('20'), deadLetter('9', { attempts: 9 }));
    const taking = await source().take(() => true);
    const items: TakenItem[] = [];
    for await (const group of taking.groups(signal)) items.push(...group);
    await taking.end();
    expect(items.map(({ entry }) => [entry.shardId, entry.sequenceNumber, entry.attempts])).toEqual([
      ['b', '3', 5],
      ['shardId-000000000000', '9', expect.any(Number)],
      ['shardId-000000000000', '20', 5],
      ['shardId-000000000000', '100', 5],
    ]);
    expect(await still()).toHaveLength(5);
  });

  it('are gone from every place once they are removed, and their files with them', async () => {
    await park(deadLetter('1'), deadLetter('2'));
    await park(deadLetter('1'), deadLetter('3'));
    expect(await takeAll(({ sequenceNumber }) => sequenceNumber === '1')).toEqual([['1']]);
    expect((await still()).toSorted()).toEqual(['2', '3']);
    expect((await files()).filter((name) => name.endsWith('.jsonl'))).toHaveLength(2);
    await takeAll();
    expect(await files()).toEqual([]);
  });

  it('are taken out of a file that is still written, which stays until its writer has closed it', async () => {
    const sink = await openSink();
    await sink.write(deadLetter('1'), signal);
    await takeAll();
    expect(await still()).toEqual([]);
    await sink.write(deadLetter('2'), signal);
    expect(await still()).toEqual(['2']);
    await sink.close();
    expect(await takeAll(() => false)).toEqual([]);
    expect(await still()).toEqual(['2']);
    await takeAll();
    expect(await files()).toEqual([]);
  });

  it('are gone with the file of a killed writer a day after its last line, not earlier', async () => {
    const sink = await openSink();
    await sink.write(deadLetter('1'), signal);
    const [left = ''] = await files();
    const written = (hoursAgo: number) => {
      const time = new Date(Date.now() - hoursAgo * 3_600_000);
      return utimes(join(directory, left), time, time);
    };
    await written(23);
    await takeAll();
    expect(await files()).toContain(left);
    await written(25);
    await takeAll();
    expect(await files()).toEqual([]);
    // It was not killed after all.
    await expect(sink.write(deadLetter('2'), signal)).rejects.toMatchObject({ code: 'SINK_FAILED' });
    await sink.write(deadLetter('2'), signal);
    await sink.close();
    expect(await still()).toEqual(['2']);
  });

  it('stay when a crash has torn the line that takes one out', async () => {
    await park(deadLetter('1'), deadLetter('2'));
    const [segment = ''] = await files();
    const gone = join(directory, segment.replace('.jsonl', '.gone'));
    await writeFile(gone, '0 shardId-000000000000:1');
    expect(await still()).toEqual(['1', '2']);
    await takeAll(({ sequenceNumber }) => sequenceNumber === '2');
    expect(await still()).toEqual(['1']);
    await takeAll();
    expect(await files()).toEqual([]);
  });

  it('do not come back when a crash came between a file and its list', async () => {
    await writeFile(join(directory, 'parked-1-a-1.gone'), '0 x\n');
    await park(deadLetter('1'));
    await takeAll(() => false);
    expect(await files()).toEqual([expect.stringMatching(/\.jsonl$/)]);
  });

  it('stay, with their file, beside a line that cannot be read; an unfinished one is no record', async () => {
    await park(deadLetter('1'));
    await park(deadLetter('2'));
    const [torn = '', foreign = ''] = await files();
    await appendFile(join(directory, torn), formatEntry(deadLetter('7')).slice(0, 40));
    await appendFile(join(directory, foreign), '{"version":2}\n');
    notes.length = 0;
    await takeAll();
    const what = 'holds no whole entry and is left alone.';
    expect(notes).toEqual([`${torn}:2 ${what}`, `${foreign}:2 ${what}`]);
    expect(await files()).toEqual([foreign.replace('.jsonl', '.gone'), foreign]);
    expect(await readFile(join(directory, foreign), 'utf8')).toContain('{"version":2}');
  });

  it('are taken by one at a time', async () => {
    await park(deadLetter('1'));
    const first = await source().take(() => true);
    await expect(source().take(() => true)).rejects.toMatchObject({
      code: 'REPLAY_FAILED',
      message: expect.stringContaining(`Process ${process.pid}`) as string,
    });
    await first.end();
    expect(await takeAll()).toEqual([['1']]);
  });

  it('keep whatever bytes a line has, after lines of any length', async () => {
    const large = deadLetter('1', { data: new Uint8Array(300_000).fill(0xf3), partitionKey: 'é\u2028' });
    await park(large, deadLetter('2', { partitionKey: 'ü' }));
    const taking = await source().take(() => true);
    for await (const [first, second] of taking.groups(signal)) {
      expect(Buffer.from(first?.entry.data ?? []).equals(large.data)).toBe(true);
      expect(first?.entry.partitionKey).toBe('é\u2028');
      expect(second?.entry).toEqual(deadLetter('2', { partitionKey: 'ü' }));
    }
    await taking.end();
  });

  it('cannot be taken where there is no such directory', async () => {
    await rm(directory, { recursive: true });
    await expect(source().take(() => true)).rejects.toMatchObject({
      code: 'SINK_FAILED',
      message: expect.stringContaining(directory) as string,
    });
  });
});
