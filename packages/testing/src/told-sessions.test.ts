import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { readSessions } from './told-sessions.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-told-'));
});
afterEach(() => rm(folder, { recursive: true }));

type Said = readonly ['daemon' | 'worker', object];
const status = (responseFor: string): Said => ['worker', { action: 'status', responseFor }];

function textOf(said: readonly Said[]): string {
  return said.map(([dir, line]) => `${JSON.stringify({ atMs: 0, dir, line: JSON.stringify(line) })}\n`).join('');
}

const record = (sequenceNumber: string, subSequenceNumber: number) => ({
  action: 'record',
  data: '',
  partitionKey: 'k',
  sequenceNumber,
  subSequenceNumber,
  approximateArrivalTimestamp: 0,
});

const BEGUN: readonly Said[] = [
  ['daemon', { action: 'initialize', shardId: 'shardId-1', sequenceNumber: 'TRIM_HORIZON', subSequenceNumber: 0 }],
  status('initialize'),
];

it('tells what was delivered, stored and answered, by session, the oldest first', async () => {
  const checkpoint = { action: 'checkpoint', sequenceNumber: '7', subSequenceNumber: 1 };
  const delivery: readonly Said[] = [
    ['daemon', { action: 'processRecords', records: [record('7', 0), record('7', 1)], millisBehindLatest: 0 }],
    ['worker', checkpoint],
    ['daemon', { ...checkpoint, error: 'ThrottlingException' }],
    ['worker', checkpoint],
    ['daemon', { ...checkpoint, error: null }],
    status('processRecords'),
  ];
  const end: readonly Said[] = [
    ['daemon', { action: 'shardEnded' }],
    ['worker', { action: 'checkpoint' }],
    ['daemon', { action: 'checkpoint', sequenceNumber: null, subSequenceNumber: null, error: null }],
  ];
  await writeFile(join(folder, 'b.jsonl'), textOf([...BEGUN, ...end]));
  await writeFile(
    join(folder, 'a.jsonl'),
    `${textOf([...BEGUN, ...delivery])}${JSON.stringify({ atMs: 9, dir: 'daemon', end: 'end of input' })}\n`,
  );

  expect(await readSessions(folder)).toEqual([
    {
      name: 'a.jsonl',
      shardId: 'shardId-1',
      delivered: ['shardId-1:7:0', 'shardId-1:7:1'],
      stored: [{ sequenceNumber: '7', subSequenceNumber: 1 }],
      actions: ['initialize', 'processRecords'],
      isAnswered: true,
      hasEnded: true,
    },
    {
      name: 'b.jsonl',
      shardId: 'shardId-1',
      delivered: [],
      stored: ['SHARD_END'],
      actions: ['initialize', 'shardEnded'],
      isAnswered: false,
      hasEnded: false,
    },
  ]);
});

it('leaves out what is still being written, and a session that has heard nothing', async () => {
  await writeFile(join(folder, 'a.jsonl'), `${textOf(BEGUN)}{"atMs":1,"dir":"dae`);
  await writeFile(join(folder, 'b.jsonl'), '');

  expect(await readSessions(folder)).toMatchObject([{ name: 'a.jsonl', actions: ['initialize'], isAnswered: true }]);
});

it('finds nothing where nothing was written', async () => {
  expect(await readSessions(join(folder, 'none'))).toEqual([]);
});
