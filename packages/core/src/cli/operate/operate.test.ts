import { mkdtemp, rm } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openControl, type ControlServer, type ControlSource } from '../../control/control-server.js';
import { shardStatus } from '../../health/health.fixture.js';
import { LogLines } from '../../runtime/session.fixture.js';
import type { HeldRecord, ShardStatus } from '../../runtime/shard-status.js';
import { runCli } from '../program.js';

let place: string;
let servers: ControlServer[];
beforeEach(async () => {
  // Short: the address of a socket has room for about a hundred bytes.
  place = await mkdtemp('/tmp/mo-');
  servers = [];
});
afterEach(async () => {
  await Promise.all(servers.map((server) => server.close()));
  await rm(place, { recursive: true });
});

/** Other workers may run on the machine: those of a test have names of their own. */
const named = (application: string) => `${application}${place.replaceAll('/', '-')}`;
const ID = 'shardId-000000000000:4968:0';

const held: HeldRecord = {
  recordId: ID,
  why: 'running it again cannot help (no such customer)',
  heldMs: 130_000,
  ageMs: 150_000,
  attempts: 5,
  error: { name: 'NonRetryableError', message: 'no such customer\nmore' },
};

async function worker(application: string, shards: readonly ShardStatus[], operate?: ControlSource['operate']) {
  const applicationName = named(application);
  const consumer = { consumer: 'Mailer', applicationName, stream: 'orders', daemon: undefined, shards };
  const source: ControlSource = {
    health: () => ({ phase: 'running', healthy: true, consumers: [consumer], hosts: [] }),
    operate: operate ?? (async () => undefined),
  };
  servers.push(await openControl({ source, applicationName, env: { XDG_RUNTIME_DIR: place }, logger: new LogLines() }));
}

async function millrace(...words: readonly string[]) {
  let out = '';
  let err = '';
  const terminal = {
    out: (text: string) => void (out += text),
    err: (text: string) => void (err += text),
    env: { XDG_RUNTIME_DIR: place },
    cwd: place,
    command: 'millrace',
  };
  const exitCode = await runCli(words, terminal);
  return { exitCode, out, err };
}

describe('status', () => {
  it('shows shards, and what is held', async () => {
    const shard = shardStatus({
      shardId: 'shardId-000000000000',
      state: 'held',
      millisBehindLatest: 1_500,
      unsettled: 3,
      settled: { handled: 12, parked: 0, skipped: 0, filtered: 4, deduplicated: 0 },
      heldRecords: [held, { ...held, recordId: undefined, attempts: 0, why: 'too many' }],
      heldCount: 9,
    });
    const quiet = shardStatus({ shardId: 'shardId-000000000001', checkpointError: 'throttled' });
    await worker('mailer', [quiet, shard, shardStatus({ shardId: undefined })]);

    const { exitCode, out } = await millrace('status', '--application', named('mailer'));

    expect(exitCode).toBe(0);
    expect(out.split('\n')).toEqual([
      `${named('mailer')} on stream orders: process ${process.pid}, running`,
      '  shardId-000000000000  held  lag 1.5 s, 12 handled, 4 filtered, 3 unsettled, checkpoint -',
      `    held for 2 min: ${ID} after 5 attempts, 2 min old`,
      '      running it again cannot help (no such customer)',
      '      NonRetryableError: no such customer',
      '    held for 2 min: the shard',
      '      too many',
      '      NonRetryableError: no such customer',
      '    and 7 more are held',
      expect.stringMatching(/^ {2}shardId-000000000001 .* not written: throttled$/),
      '',
    ]);
  });

  it('is JSON when asked for', async () => {
    await worker('mailer', []);

    const { out } = await millrace('status', '--json', '--application', named('mailer'));

    expect(JSON.parse(out)).toEqual([
      {
        pid: process.pid,
        phase: 'running',
        consumer: 'Mailer',
        applicationName: named('mailer'),
        stream: 'orders',
        shards: [],
      },
    ]);
    expect((await millrace('status', '--application', named('mailer'))).out).toContain('no shards');
  });

  it('fails when there is no such worker', async () => {
    await worker('mailer', []);

    const { exitCode, err } = await millrace('status', '--application', 'other');

    expect(exitCode).toBe(1);
    expect(err).toMatch(/WORKER_NOT_FOUND.*No worker of the application "other" runs here; there are workers of /);
    expect(err).toContain(named('mailer'));
  });
});

describe.each(['retry', 'park', 'skip'] as const)('%s', (order) => {
  it('is carried out by the worker that has the record', async () => {
    const heard: string[] = [];
    await worker('other', []);
    await worker('mailer', [], async (application, recordId, wish) => {
      heard.push(wish);
      if (recordId !== ID || application !== named('mailer')) return undefined;
      return wish === 'find' ? { kind: 'found' } : { kind: 'done', text: 'It is done.' };
    });

    const { exitCode, out, err } = await millrace(order, ID);

    expect({ exitCode, err }).toEqual({ exitCode: 0, err: '' });
    expect(out).toBe(`${ID}: It is done. (${named('mailer')}, process ${process.pid})\n`);
    expect(heard).toEqual(['find', order]);
  });

  it('fails with the reason of the worker', async () => {
    await worker('mailer', [], async (_, __, wish) =>
      wish === 'find' ? { kind: 'found' } : { kind: 'refused', text: 'Its session is ending.' },
    );

    const { exitCode, err } = await millrace(order, ID, '--application', named('mailer'));

    expect(exitCode).toBe(1);
    expect(err).toContain(`ORDER_REFUSED: ${ID}: Its session is ending.`);
  });

  it('names what is held when the record is not', async () => {
    const many = Array.from({ length: 12 }, (_, n) => ({ ...held, recordId: `${ID}${n}` }));
    await worker('mailer', [shardStatus({ heldRecords: many, heldCount: 12 })]);
    await worker('quiet', []);

    const { exitCode, err } = await millrace(order, 'nonsense', '--application', named('mailer'));
    const quiet = await millrace(order, 'nonsense', '--application', named('quiet'));

    expect(exitCode).toBe(1);
    expect(err).toMatch(/RECORD_NOT_HELD: nonsense is not held .* These are held:\n {2}shardId/);
    expect(err).toContain(`${ID}9\n  and more`);
    expect(quiet.err).toContain('No record is held.');
  });

  it('does not choose between applications that have records of the same id', async () => {
    const heard: string[] = [];
    const operate: ControlSource['operate'] = async (_, __, wish) => {
      heard.push(wish);
      return { kind: 'found' };
    };
    await worker('mailer', [], operate);
    await worker('billing', [], operate);

    const { exitCode, err } = await millrace(order, ID);

    expect(exitCode).toBe(1);
    expect(err).toMatch(/waits in several applications\. .*--application \S+ or --application \S+/);
    expect(heard).toEqual(['find', 'find']);
  });
});
