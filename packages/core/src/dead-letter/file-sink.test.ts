import { appendFile, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../test/support/manual-clock.js';
import type { SinkContext } from '../definition/definition.js';
import type { DeadLetterEntry } from '../ports.js';
import { file } from './file-sink.js';
import { readParked, type TornLine } from './parked-file.js';

let folder: string;
let directory: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parked-'));
  directory = join(folder, 'deep', 'parked');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const signal = new AbortController().signal;

function entry(sequenceNumber: string, change: Partial<DeadLetterEntry> = {}): DeadLetterEntry {
  return {
    id: `shardId-000000000000:${sequenceNumber}:0`,
    stream: 'orders',
    applicationName: 'mailer',
    consumer: 'OrderMailer',
    handler: 'placed',
    shardId: 'shardId-000000000000',
    sequenceNumber,
    subSequenceNumber: 0,
    partitionKey: 'café \u2028\n"',
    approximateArrivalTimestamp: 1_700_000_000_123,
    data: Uint8Array.from([0, 10, 13, 255, 0xf3]),
    attempts: 5,
    causes: [
      { name: 'MillraceError', code: 'HANDLER_TIMEOUT', message: 'too slow', stack: 'at x\nat y' },
      { name: 'Error', code: undefined, message: 'socket', stack: undefined },
    ],
    parkedAt: 1_700_000_001_000,
    ...change,
  };
}

function contextOn(engine: SinkContext['engine']) {
  const warnings: string[] = [];
  const logger = {
    debug() {},
    info() {},
    error() {},
    warn: (_: object, message: string) => void warnings.push(message),
  };
  const clock = new ManualClock();
  return {
    warnings,
    clock,
    context: { applicationName: 'mailer', stream: 'orders', engine, ports: { clock, random: () => 0, logger } },
  };
}
const openSink = (durable?: boolean) =>
  file({ directory, ...(durable === undefined ? {} : { durable }) }).open(contextOn('local').context);

async function parked() {
  const torn: TornLine[] = [];
  const entries: DeadLetterEntry[] = [];
  for await (const one of readParked(directory, (line) => torn.push(line))) entries.push(one);
  return { entries, torn };
}
const files = async () => (await readdir(directory)).toSorted();
const onlyFile = async () => join(directory, (await files())[0] ?? '');

describe('the file sink', () => {
  it('opens nothing before the worker starts', async () => {
    const description = file({ directory });
    expect([description.label, description.durable]).toEqual([`file ${directory}`, false]);
    expect(await readdir(folder)).toEqual([]);
  });

  it('gives back every field of an entry and every byte of its payload', async () => {
    const sink = await openSink();
    const bare = entry('2', {
      handler: undefined,
      approximateArrivalTimestamp: undefined,
      data: new Uint8Array(),
      causes: [],
    });
    await sink.write(entry('1'), signal);
    await sink.write(bare, signal);
    await sink.close();
    expect(await parked()).toEqual({ entries: [entry('1'), bare], torn: [] });
  });

  it('has an entry in the file by the time its write resolves', async () => {
    const sink = await openSink();
    await sink.write(entry('1'), signal);
    expect((await parked()).entries.map((one) => one.sequenceNumber)).toEqual(['1']);
    await sink.close();
  });

  it('takes many writes at once in order, in one file', async () => {
    const sink = await openSink();
    const numbers = Array.from({ length: 50 }, (_, index) => String(index));
    await Promise.all(numbers.map((number) => sink.write(entry(number), signal)));
    await sink.close();
    expect((await parked()).entries.map((one) => one.sequenceNumber)).toEqual(numbers);
    expect(await files()).toHaveLength(1);
  });

  it('keeps files readable by their owner only, one file per sink, named by the process', async () => {
    const sinks = [await openSink(), await openSink()];
    await Promise.all(sinks.map((sink) => sink.write(entry('1'), signal)));
    await Promise.all(sinks.map((sink) => sink.close()));
    expect(await files()).toHaveLength(2);
    expect((await files()).every((name) => name.startsWith(`parked-${process.pid}-`))).toBe(true);
    expect((await stat(await onlyFile())).mode & 0o777).toBe(0o600);
  });

  it('makes no file when nothing is parked', async () => {
    await (await openSink()).close();
    expect(await files()).toEqual([]);
  });

  it('rejects with SINK_FAILED when the directory is gone, and begins a new file once it is back', async () => {
    const sink = await openSink();
    await rm(directory, { recursive: true });
    await expect(sink.write(entry('1'), signal)).rejects.toMatchObject({ code: 'SINK_FAILED' });
    await (await openSink()).close();
    await sink.write(entry('2'), signal);
    await sink.close();
    expect((await parked()).entries.map((one) => one.sequenceNumber)).toEqual(['2']);
  });

  it('never appends to a file after an error in it', async () => {
    const sink = await openSink();
    await sink.write(entry('1'), signal);
    await failNextSync(sink);

    await expect(sink.write(entry('2'), signal)).rejects.toMatchObject({ code: 'SINK_FAILED' });
    await sink.write(entry('3'), signal);

    await sink.close();
    const [first, second] = await files();
    expect(await readFile(join(directory, first ?? ''), 'utf8')).not.toContain('"sequenceNumber":"3"');
    expect(await readFile(join(directory, second ?? ''), 'utf8')).toContain('"sequenceNumber":"3"');
  });

  it('gives a file its last name when it closes, and begins another at a write after an hour', async () => {
    const { clock, context } = contextOn('local');
    const sink = await file({ directory }).open(context);
    await sink.write(entry('1'), signal);
    expect(await files()).toEqual([expect.stringMatching(/-1\.open\.jsonl$/)]);
    await clock.advance(3_599_999);
    await sink.write(entry('2'), signal);
    await clock.advance(1);
    await sink.write(entry('3'), signal);
    expect(await files()).toEqual([expect.stringMatching(/-1\.jsonl$/), expect.stringMatching(/-2\.open\.jsonl$/)]);
    await sink.close();
    expect(await files()).toEqual([expect.stringMatching(/-1\.jsonl$/), expect.stringMatching(/-2\.jsonl$/)]);
    expect((await parked()).entries.map((one) => one.sequenceNumber)).toEqual(['1', '2', '3']);
  });

  it('takes no write for parked when its file was removed meanwhile', async () => {
    const sink = await openSink();
    await sink.write(entry('1'), signal);
    await rm(await onlyFile());
    await expect(sink.write(entry('2'), signal)).rejects.toMatchObject({ code: 'SINK_FAILED' });
    await sink.write(entry('2'), signal);
    await sink.close();
    expect((await parked()).entries.map((one) => one.sequenceNumber)).toEqual(['2']);
  });

  it('cannot be opened where no directory can be made', async () => {
    await writeFile(join(folder, 'deep'), 'a file');
    await expect(openSink()).rejects.toMatchObject({
      code: 'SINK_FAILED',
      message: expect.stringContaining('Check that it exists') as string,
    });
  });

  it('refuses writes after close and writes that were given up', async () => {
    const sink = await openSink();
    await expect(sink.write(entry('1'), AbortSignal.abort())).rejects.toMatchObject({ code: 'SINK_FAILED' });
    await sink.close();
    await expect(sink.write(entry('1'), signal)).rejects.toMatchObject({ code: 'SINK_FAILED' });
  });

  it.each([
    ['daemon', undefined, 1],
    ['daemon', true, 0],
    ['local', undefined, 0],
    ['test', undefined, 0],
  ] as const)(
    'on the %s engine with durable %s warns %i times that the disk is lost with the machine',
    async (engine, durable, times) => {
      const { context, warnings } = contextOn(engine);
      const sink = await file({ directory, ...(durable === undefined ? {} : { durable }) }).open(context);
      await sink.close();
      expect(warnings).toHaveLength(times);
      expect(sink.durable).toBe(durable ?? false);
    },
  );
});

describe('reading parked records', () => {
  it('skips torn and foreign lines and says where they are', async () => {
    const sink = await openSink();
    for (const number of ['1', '2', '3']) await sink.write(entry(number), signal);
    await sink.close();
    const path = await onlyFile();
    await truncate(path, (await stat(path)).size - 10);
    await writeFile(join(directory, 'parked-9-x-1.jsonl'), '{"version":1}\nnull\n[]\nno json\n{"version":7}\n');
    await appendFile(join(directory, 'notes.txt'), 'not parked');

    const { entries, torn } = await parked();

    expect(entries.map((one) => one.sequenceNumber)).toEqual(['1', '2']);
    expect(torn.map((one) => one.line)).toEqual(expect.arrayContaining([3, 1, 2, 3, 4, 5]));
    expect(torn).toHaveLength(6);
  });

  it('says which directory cannot be read', async () => {
    await expect(parked()).rejects.toMatchObject({
      code: 'SINK_FAILED',
      message: expect.stringContaining(directory) as string,
    });
  });
});

/** A disk that fails is imitated where the operating system would report it: in the handle of the open file. */
function failNextSync(sink: object): Promise<void> {
  const { handle } = (sink as { file: { handle: { sync: () => Promise<void> } } }).file;
  const { sync } = handle;
  handle.sync = () => {
    handle.sync = sync;
    return Promise.reject(new Error('EIO'));
  };
  return Promise.resolve();
}
