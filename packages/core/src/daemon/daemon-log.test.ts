import { PassThrough } from 'node:stream';
import { finished } from 'node:stream/promises';
import { describe, expect, it } from 'vitest';
import type { LogFields, Logger } from '../ports.js';
import { parseLine, readDaemonLog } from './daemon-log.js';
import { logbackXml } from './logback.js';

interface Entry {
  readonly level: string;
  readonly fields: LogFields;
  readonly message: string;
}

async function read(...chunks: readonly (string | Buffer)[]) {
  const entries: Entry[] = [];
  const at = (level: string) => (fields: LogFields, message: string) => void entries.push({ level, fields, message });
  const logger: Logger = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
  const stream = new PassThrough();
  const log = readDaemonLog(stream, logger);
  for (const chunk of chunks) stream.write(chunk);
  stream.end();
  await finished(stream);
  return { entries, lastLines: log.lastLines() };
}

const event = (level: string, message: string, stack = '') => `␟${level}␟a.b.Scheduler␟main␟${message}␟${stack}\n`;

describe("the daemon's log", () => {
  it('comes at its own level, with the short name of the logger and the thread', async () => {
    const { entries } = await read(event('INFO', 'one'), event('DEBUG', 'two'), event('TRACE', 'three'));
    const fields = { daemon: true, logger: 'Scheduler', thread: 'main' };
    expect(entries).toEqual([
      { level: 'info', fields, message: 'one' },
      { level: 'debug', fields, message: 'two' },
      { level: 'debug', fields, message: 'three' },
    ]);
  });

  it('gives messages of several lines and stack traces back as one event', async () => {
    const { entries } = await read(event('ERROR', 'it␞failed', 'java.lang.Error: x␞\tat A.b(A.java:1)␞'));
    expect(entries).toMatchObject([
      { level: 'error', message: 'it\nfailed', fields: { stack: 'java.lang.Error: x\n\tat A.b(A.java:1)' } },
    ]);
  });

  it('is the same however the bytes are cut', async () => {
    const bytes = Buffer.from(`${event('INFO', 'größer')}${event('WARN', 'zwei')}`);
    const { entries } = await read(...[...bytes].map((byte) => Buffer.of(byte)));
    expect(entries.map(({ message }) => message)).toEqual(['größer', 'zwei']);
  });

  it('warns with lines of the JVM, and passes empty ones over', async () => {
    const { entries } = await read('\n', 'Terminating due to java.lang.OutOfMemoryError: Java heap space\n', 'rest');
    expect(entries).toEqual([
      {
        level: 'warn',
        fields: { daemon: true },
        message: 'Terminating due to java.lang.OutOfMemoryError: Java heap space',
      },
      { level: 'warn', fields: { daemon: true }, message: 'rest' },
    ]);
  });

  it('cuts long messages and stack traces', () => {
    const cut = parseLine(event('WARN', 'x'.repeat(10_000), 'y'.repeat(10_000)));
    expect(cut?.message).toBe(`${'x'.repeat(8192)}... (1808 more)`);
    expect(cut?.stack).toBe(`${'y'.repeat(8192)}... (1807 more)`.replace('1807', '1808'));
  });

  it('holds the beginning of a line without end only, and reads on behind it', async () => {
    const endless = Array.from({ length: 200 }, () => Buffer.alloc(64 * 1024, 'x'));
    const { entries } = await read(...endless, '\n', event('INFO', 'after'));
    expect(entries.map(({ message }) => message.length)).toEqual([8192 + '... (57344 more)'.length, 5]);
  });

  it('does not show the records that KCL skips', () => {
    const skipped = 'ShardId s-1: Skipping over the following data records: [KinesisClientRecord(partitionKey=jane)]';
    expect(parseLine(event('ERROR', skipped))?.message).toBe(
      'ShardId s-1: Skipping over the following data records: (not shown)',
    );
  });

  it('keeps the last forty warnings and errors for the report of an end', async () => {
    const many = Array.from({ length: 50 }, (_, n) => event('WARN', `w${n}`));
    const { lastLines } = await read(...many, event('INFO', 'no'), event('ERROR', 'e', 'Error: cause␞\tat A'), 'JVM\n');
    expect(lastLines).toHaveLength(40);
    expect(lastLines.slice(-3)).toEqual(['WARN Scheduler: w49', 'ERROR Scheduler: e (Error: cause)', 'JVM']);
  });
});

describe('the configuration of logback', () => {
  it('has one appender, one line for an event, and the levels', () => {
    const xml = logbackXml(new Map([['a.B', 'DEBUG']]));
    expect(xml).toContain('<logger name="a.B" level="DEBUG"/>');
    expect(xml).toContain('<root level="WARN">');
    expect(xml.match(/<appender /g)).toHaveLength(1);
  });
});
