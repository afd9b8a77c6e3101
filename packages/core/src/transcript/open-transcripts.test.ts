import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ByteChannel, ChannelListener, Logger } from '../ports.js';
import { ManualClock } from '../../test/support/manual-clock.js';
import { openTranscripts } from './open-transcripts.js';
import type { TranscriptEntry } from './transcript-entry.js';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-transcripts-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const silent: Logger = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

/** The daemon's end of a channel, in the hands of the test. */
class Pipe implements ByteChannel {
  readonly written: string[] = [];
  listener: ChannelListener | undefined;
  start(listener: ChannelListener): void {
    this.listener = listener;
  }
  write(bytes: Uint8Array): void {
    this.written.push(Buffer.from(bytes).toString());
  }
  close(): Promise<void> {
    return Promise.resolve();
  }
  say(text: string): void {
    const chunk = Buffer.from(text);
    this.listener?.data(chunk);
    // As a channel may that reads into the same memory again.
    chunk.fill(0);
  }
}

function open(logger = silent, lineBytesMax = 10_000) {
  const clock = new ManualClock();
  const record = openTranscripts({ folder, applicationName: 'orders/eu', lineBytesMax, clock, logger });
  const pipe = new Pipe();
  const channel = record('session-1', pipe);
  const heard: string[] = [];
  channel.start({ data: (chunk) => heard.push(Buffer.from(chunk).toString()), end: () => heard.push('end') });
  return { clock, pipe, channel, heard, record };
}

function recorded(): readonly TranscriptEntry[] {
  const [name = 'none'] = readdirSync(folder);
  return readFileSync(join(folder, name), 'utf8')
    .split('\n')
    .flatMap((line) => (line === '' ? [] : [JSON.parse(line) as TranscriptEntry]));
}

const record = (key: string, payload: string): string =>
  `{"action":"processRecords","records":[{"data":"${Buffer.from(payload).toString('base64')}","partitionKey":"${key}","sequenceNumber":"1","subSequenceNumber":0,"action":"record"}]}\n`;

describe('the transcript of a session', () => {
  it('has every message of both sides in order, with the time, and the end of input', async () => {
    const { clock, pipe, channel, heard } = open();
    pipe.say('{"action":"initialize","shardId":"shardId-0"}\n');
    channel.write(Buffer.from('\n{"action":"status","responseFor":"initialize"}\n'));
    await clock.advance(250);
    pipe.say('{"action":"lease');
    pipe.say('Lost"}\n');
    pipe.listener?.end();

    expect(recorded()).toEqual([
      { atMs: 0, dir: 'daemon', line: '{"action":"initialize","shardId":"shardId-0"}' },
      { atMs: 0, dir: 'worker', line: '{"action":"status","responseFor":"initialize"}' },
      { atMs: 250, dir: 'daemon', line: '{"action":"leaseLost"}' },
      { atMs: 250, dir: 'daemon', end: 'end of input' },
    ]);
    // What the session heard and said is what it would have been.
    expect(heard).toEqual(['{"action":"initialize","shardId":"shardId-0"}\n', '{"action":"lease', 'Lost"}\n', 'end']);
    expect(pipe.written).toEqual(['\n{"action":"status","responseFor":"initialize"}\n']);
  });

  it('has no payload and no key, and the same name for the same key', () => {
    const { pipe } = open();
    pipe.say(record('customer-7', '{"card":"4111"}'));
    pipe.say(record('customer-7', '{"card":"4222"}'));
    pipe.say(record('customer-8', '{"card":"4333"}'));
    pipe.listener?.end();

    const [name = 'none'] = readdirSync(folder);
    const text = readFileSync(join(folder, name), 'utf8');
    for (const secret of ['customer', '4111', Buffer.from('{"card').toString('base64').slice(0, 6)])
      expect(text).not.toContain(secret);
    const keys = [...text.matchAll(/partitionKey\\":\\"([^\\]+)/g)].map(([, key]) => key);
    expect(keys[0]).toBe(keys[1]);
    expect(new Set(keys)).toHaveLength(2);
    expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600);
    expect(name).toMatch(/^orders%2Feu\..*\.session-1\.jsonl$/);
  });

  it('says that a line could not be read, and keeps nothing of it', () => {
    const { pipe, heard } = open(silent, 60);
    pipe.say('{"action":"processRecords","records":[{"data":"c2Vjcm\n');
    pipe.say(`${'secret'.repeat(20)}\n`);
    pipe.say('{"action":"leaseLost"}\n');

    expect(recorded()).toEqual([
      { atMs: 0, dir: 'daemon', unreadableBytes: 53 },
      { atMs: 0, dir: 'daemon', unreadableBytes: 121 },
      { atMs: 0, dir: 'daemon', end: 'a line is too long' },
    ]);
    // The session judges for itself.
    expect(heard).toHaveLength(3);
  });

  it('ends with a warning when it cannot be written, and the session goes on', () => {
    const warnings: string[] = [];
    const { record: again, pipe } = open({
      ...silent,
      warn: (_: object, message: string) => void warnings.push(message),
    });
    pipe.say('{"action":"leaseLost"}\n');
    // The same session at the same moment: its file is there already, and is not written over.
    const second = new Pipe();
    const channel = again('session-1', second);
    const heard: string[] = [];
    channel.start({ data: (chunk) => heard.push(Buffer.from(chunk).toString()), end: () => undefined });
    for (const line of ['first\n', 'second\n']) second.say(line);
    channel.write(Buffer.from('answer\n'));

    expect(warnings).toEqual(['The transcript of a session ends early: it cannot be written.']);
    expect(heard).toEqual(['first\n', 'second\n']);
    expect(second.written).toEqual(['answer\n']);
    expect(recorded()).toHaveLength(1);
  });

  it('is closed with its session, and a session that says nothing has none', async () => {
    const { channel, pipe, record: again } = open();
    again('session-2', new Pipe());
    pipe.say('{"action":"leaseLost"}\n');
    await channel.close();
    pipe.say('{"action":"leaseLost"}\n');

    expect(recorded().map((entry) => ('end' in entry ? entry.end : 'line'))).toEqual(['line', 'closed']);
    expect(readdirSync(folder)).toHaveLength(1);
  });

  it('is refused with the folder and the way out when the folder cannot be made', () => {
    const path = join(folder, 'file');
    writeFileSync(path, '');
    const opening = () =>
      openTranscripts({
        folder: join(path, 'within'),
        applicationName: 'a',
        lineBytesMax: 10,
        clock: new ManualClock(),
        logger: silent,
      });
    expect(opening).toThrow(/transcripts.*within cannot be made .*Name one that this user can write to/s);
  });
});
