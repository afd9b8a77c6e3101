import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { deadLetter } from '../../../test/support/dead-letter.js';
import { ManualClock } from '../../../test/support/manual-clock.js';
import { file } from '../../dead-letter/file-sink.js';
import type { DeadLetterEntry } from '../../ports.js';
import { runCli } from '../program.js';

const CORE = fileURLToPath(new URL('../../index.ts', import.meta.url));
const MODULE = `import { defineConsumer, file, recordHandler } from ${JSON.stringify(CORE)};
export const mailer = defineConsumer({
  name: 'mailer', stream: 'orders', applicationName: 'mailer', create: () => ({}),
  deadLetter: { sink: file({ directory: 'parked' }) }, retry: { attempts: 1 },
  handlers: [recordHandler({ name: 'placed', handle: (order, { replayed }) => {
    console.log('a handler prints');
    if (!replayed || order.id === 'poison') throw Object.assign(new Error('still wrong'), { code: 'EWRONG' });
  } })],
});
`;

let cwd: string;
beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'dead-letter-'));
  await writeFile(join(cwd, 'mailer.mjs'), MODULE);
});
afterEach(() => rm(cwd, { recursive: true, force: true }));

async function park(...entries: readonly DeadLetterEntry[]): Promise<void> {
  const logger = { debug() {}, info() {}, warn() {}, error() {} };
  const ports = { clock: new ManualClock(), random: () => 0, logger };
  const sink = await file({ directory: join(cwd, 'parked') }).open({
    applicationName: 'mailer',
    stream: 'orders',
    engine: 'local',
    ports,
  });
  for (const entry of entries) await sink.write(entry, new AbortController().signal);
  await sink.close();
}

const order = (sequenceNumber: string, id: unknown, change: Partial<DeadLetterEntry> = {}) =>
  deadLetter(sequenceNumber, {
    data: Buffer.from(JSON.stringify({ id })),
    partitionKey: `key-${sequenceNumber}`,
    ...change,
  });

async function millrace(line: string) {
  let out = '';
  let err = '';
  const terminal = {
    out: (text: string) => void (out += text),
    err: (text: string) => void (err += text),
    env: { MILLRACE_LOG_LEVEL: 'silent' },
    cwd,
    command: 'millrace',
  };
  const exitCode = await runCli(['dead-letter', ...line.split(' ')], terminal);
  return { exitCode, out, err };
}
const lines = (text: string): unknown[] =>
  text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);

describe('millrace dead-letter ls', () => {
  it("lists what the module's sinks have parked, without payloads, and what a filter leaves out", async () => {
    await park(order('1', 'secret'), order('2', 'x', { handler: undefined, attempts: 1, causes: [] }));
    const all = await millrace('ls mailer.mjs');
    expect(all.out).toMatch(
      /^2023-11-14T22:13:21\.000Z {2}shardId-000000000000:1:0 {2}placed {2}5 attempts {2}key "key-1"\n {2}MillraceError HANDLER_TIMEOUT: too slow <- Error: socket\n.*no handler {2}1 attempt .*\n {2}no cause\n2 parked records in file .*parked\.\n$/,
    );
    expect(all.out).not.toContain('secret');
    const one = await millrace('ls --directory parked --cause HANDLER_TIMEOUT');
    expect(one).toMatchObject({ exitCode: 0, err: '' });
    expect(one.out).toMatch(/1 parked record in file .*, and 1 more that is not shown\.\n$/);
  });

  it('prints an object a line', async () => {
    await park(order('1', 'a'), order('2', 'b'));
    const { out } = await millrace('ls mailer.mjs --json --limit 1');
    const [line] = lines(out);
    expect(lines(out)).toHaveLength(1);
    expect(line).toMatchObject({ id: 'shardId-000000000000:1:0', handler: 'placed', dataBytes: 10 });
    expect(line).not.toHaveProperty('data');
  });

  it('keeps control characters from the terminal', async () => {
    await park(
      order('1', 'a', { causes: [{ name: 'E', code: undefined, message: '\u001B[2Jgone', stack: undefined }] }),
    );
    expect((await millrace('ls mailer.mjs')).out).not.toContain('\u001B');
  });

  it.each([
    ['ls', 'Say where records are parked'],
    ['ls --directory nowhere', 'cannot be read'],
    ['ls mailer.mjs --since yesterday', 'Give a time such as'],
  ])('%s says what is wrong', async (line, message) => {
    const { exitCode, err } = await millrace(line);
    expect(err).toContain(message);
    expect(exitCode).toBeGreaterThan(0);
  });
});

describe('millrace dead-letter show', () => {
  it('prints everything, and the payload as text, or as base64 where it is none', async () => {
    await park(order('1', 'anna'), deadLetter('2'));
    const text = await millrace('show shardId-000000000000:1:0 mailer.mjs');
    expect(text.out).toMatch(
      /sequenceNumber {5}1\n(.*\n)+causes\n {2}at x\n(.*\n)+payload \(13 bytes, text\)\n\{"id":"anna"\}\n$/,
    );
    const bytes = await millrace('show shardId-000000000000:2:0 mailer.mjs');
    expect(bytes.out).toMatch(/payload \(5 bytes, base64\)\nAAoN\/\/M=\n$/);
    const json = await millrace('show shardId-000000000000:2:0 mailer.mjs --json');
    expect(lines(json.out)).toEqual([expect.objectContaining({ data: 'AAoN//M=', attempts: 5 })]);
  });

  it('says when there is no such record', async () => {
    await park(order('1', 'anna'));
    expect(await millrace('show 7 mailer.mjs')).toMatchObject({
      exitCode: 2,
      err: expect.stringContaining('No record 7 is parked there'),
    });
  });
});

describe('millrace dead-letter replay', () => {
  it('removes what succeeds, leaves what fails again as it was, and parks nothing anew', async () => {
    await park(order('1', 'a'), order('2', 'poison'), order('3', 'c'));
    const { exitCode, out } = await millrace('replay mailer.mjs');
    expect(exitCode).toBe(1);
    expect(out.split('\n').toSorted().join('\n').trim()).toBe(
      [
        '2 handled, 1 failed again.',
        'failed again  shardId-000000000000:2:0: EWRONG: still wrong',
        'handled       shardId-000000000000:1:0',
        'handled       shardId-000000000000:3:0',
      ].join('\n'),
    );
    expect((await millrace('ls mailer.mjs')).out).toMatch(/:2:0 .*\n.*\n1 parked record in /);
    const again = await millrace('replay mailer.mjs --key key-3');
    expect(again).toMatchObject({ exitCode: 0, out: 'Nothing to replay.\n' });
  });

  it('takes its files away when all is well', async () => {
    await park(order('1', 'a'));
    expect(await millrace('replay mailer.mjs')).toMatchObject({ exitCode: 0 });
    expect(await readdir(join(cwd, 'parked'))).toEqual([]);
  });

  it('prints an object for each record, and the counts last', async () => {
    await park(order('1', 'a'), order('2', 'poison'));
    const { out } = await millrace('replay mailer.mjs --json');
    const [summary, ...records] = lines(out).toReversed();
    expect(records).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ id: 'shardId-000000000000:1:0', result: 'handled' }),
        expect.objectContaining({ result: 'failed', code: 'EWRONG', error: 'still wrong' }),
      ]),
    );
    expect(summary).toEqual({
      summary: { handled: 1, filtered: 0, skipped: 0, deduplicated: 0, failed: 1, left: 0, wouldRun: 0, stopped: null },
    });
  });

  it('only decodes and validates in a dry run', async () => {
    await park(order('1', 'a'), deadLetter('2'));
    const { exitCode, out } = await millrace('replay mailer.mjs --dry-run');
    expect(out).toMatch(
      /^would run {5}shardId-000000000000:1:0: mailer\.placed\nfailed again {2}shardId-000000000000:2:0: DECODE_FAILED: .*\n1 failed again, 1 would run\.\n$/,
    );
    expect(exitCode).toBe(1);
    expect((await millrace('ls mailer.mjs')).out).toContain('2 parked records');
  });

  it('leaves the records of other applications alone, and says so', async () => {
    await park(order('1', 'a', { applicationName: 'ledger' }));
    const { exitCode, out, err } = await millrace('replay mailer.mjs');
    expect({ exitCode, out }).toEqual({ exitCode: 0, out: 'Nothing to replay.\n' });
    expect(err).toContain('1 parked record is of the application "ledger", which this module does not have');
  });

  it('says which sinks it cannot read, and fails when there is no other', async () => {
    const inStream = MODULE.replaceAll(
      "file({ directory: 'parked' })",
      "kinesis({ streamName: 'p', tooLarge: 'hold' })",
    );
    await writeFile(join(cwd, 'stream.mjs'), inStream.replace('file,', 'kinesis,'));
    const { exitCode, err } = await millrace('replay stream.mjs');
    expect(err).toContain('what goes to "kinesis p" is only written');
    expect(err).toContain('REPLAY_FAILED');
    expect(exitCode).toBe(1);
  });
});

describe('millrace dead-letter drop', () => {
  it.each([
    ['drop mailer.mjs --yes', 'give a filter such as --id, or --all'],
    ['drop mailer.mjs --all', 'give --yes'],
  ])('%s drops nothing', async (line, message) => {
    await park(order('1', 'a'));
    expect(await millrace(line)).toMatchObject({ exitCode: 2, err: expect.stringContaining(message) });
    expect((await millrace('ls mailer.mjs')).out).toContain('1 parked record');
  });

  it('removes what the filter chooses', async () => {
    await park(order('1', 'a'), order('2', 'b'), order('3', 'c'));
    const { exitCode, out } = await millrace('drop mailer.mjs --key key-2 --yes');
    expect(exitCode).toBe(0);
    expect(out).toMatch(/:2:0 .*\n.*\nDropped 1 record\.\n$/);
    expect((await millrace('drop mailer.mjs --all --limit 1 --yes --json')).out).toContain('"dropped"');
    expect((await millrace('ls mailer.mjs')).out).toContain('1 parked record');
  });
});
