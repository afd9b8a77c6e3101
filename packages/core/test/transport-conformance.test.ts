/**
 * One scripted session over every transport: in memory, over the pipes of a real child process, and through Amazon's client. Whatever carries
 * the bytes, daemon and worker must not be able to tell.
 */
import { spawnSync } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import kcl from 'aws-kcl';
import { afterEach, describe, expect, it } from 'vitest';
import { attachRelay } from '../src/host/attach-relay.js';
import { startTickOf } from '../src/local/process-birth.js';
import { encodeDaemonMessage } from '../src/protocol/daemon-side.js';
import type { DaemonMessage, WireRecord } from '../src/protocol/messages.js';
import { openDoor } from '../src/supervisor/door.js';
import { makePrivateFolder } from '../src/supervisor/private-folder.js';
import { awsKclChannel } from '../src/transport/aws-kcl-channel.js';
import { memoryChannelPair } from '../src/transport/memory-channel.js';
import { DaemonEnd } from './support/daemon-end.js';
import { digest, type Report, serveEcho } from './support/echo-worker.js';
import { spawnOnPipes, spawnWorker, workerCommand } from './support/worker-process.js';

interface Session {
  readonly daemon: DaemonEnd;
  readonly reports: Report[];
  /** What user code printed; only a process prints. */
  readonly printed: () => string;
  readonly end: () => void;
  /** Resolves when the worker has let go of the channel; for a process, when it has exited by itself with 0. */
  readonly done: Promise<void>;
}

type Cut = 'whole' | 'bytewise';

const pieces = (bytes: Uint8Array, cut: Cut): Uint8Array[] =>
  cut === 'whole' ? [bytes] : Array.from(bytes, (byte) => Uint8Array.of(byte));

function inMemory(
  wrap: (channel: ReturnType<typeof memoryChannelPair>['worker']) => typeof channel,
): (cut: Cut) => Session {
  return (cut) => {
    const pair = memoryChannelPair();
    const reports: Report[] = [];
    const done = serveEcho(wrap(pair.worker), { report: (report) => reports.push(report), pollute: () => undefined });
    const daemon = new DaemonEnd((bytes) => {
      for (const piece of pieces(bytes, cut)) pair.daemon.write(piece);
    });
    pair.daemon.start({ data: daemon.receive, end: () => undefined });
    return { daemon, reports, done, printed: () => '', end: () => void pair.daemon.close() };
  };
}

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

function inProcess(transport: 'stdio' | 'aws-kcl', pipes: 'fifo' | 'socket' = 'fifo'): (cut: Cut) => Session {
  return (cut) => {
    const child = spawnWorker([transport, pipes === 'socket' ? 'console' : 'everything'], pipes);
    cleanups.push(child.kill);
    let stderr = '';
    child.stderr.on('data', (chunk: Uint8Array) => (stderr += Buffer.from(chunk).toString()));
    const stderrEnded = new Promise<void>((resolve) => void child.stderr.once('end', resolve));
    const daemon = new DaemonEnd((bytes) => {
      for (const piece of pieces(bytes, cut)) child.stdin.write(piece);
    });
    child.stdout.on('data', daemon.receive);
    const reports: Report[] = [];
    const done = Promise.all([child.exited, stderrEnded]).then(([code]) => {
      const lines = stderr.split('\n').filter((line) => line.startsWith('REPORT '));
      reports.push(...lines.map((line) => JSON.parse(line.slice(7)) as Report));
      expect(code).toBe(0);
    });
    return { daemon, reports, done, printed: () => stderr, end: () => void child.stdin.end() };
  };
}

/** A relay between the daemon's pipes, taken over as a host does it. */
async function throughRelay(cut: Cut): Promise<Session> {
  const folder = await makePrivateFolder();
  const bell = new EventEmitter();
  const rung = once(bell, 'ring');
  const door = await openDoor(folder.path, (pid) => bell.emit('ring', pid));
  const relay = spawnOnPipes([`${folder.path}/relay.sh`, folder.path], { program: '/bin/sh' });
  cleanups.push(() => {
    relay.kill();
    door.close();
    void folder.remove();
  });
  const [pid] = (await rung) as [number];
  const { channel, release } = attachRelay({ pid, startTick: startTickOf(pid) ?? '' });
  const daemon = new DaemonEnd((bytes) => {
    for (const piece of pieces(bytes, cut)) relay.stdin.write(piece);
  });
  relay.stdout.on('data', daemon.receive);
  const reports: Report[] = [];
  const served = serveEcho(channel, { report: (report) => reports.push(report), pollute: () => undefined });
  const done = served.then(async () => {
    release();
    await relay.exited;
  });
  return { daemon, reports, done, printed: () => '', end: () => void relay.stdin.end() };
}

const record = (
  sequenceNumber: number,
  partitionKey: string,
  data: Uint8Array = Buffer.from(partitionKey),
): WireRecord => ({
  sequenceNumber: `4968047282278540650394725085661${String(sequenceNumber).padStart(25, '0')}`,
  subSequenceNumber: 0,
  partitionKey,
  data,
  approximateArrivalTimestamp: 1_700_000_000_000 + sequenceNumber,
});

const initialize: DaemonMessage = {
  kind: 'initialize',
  shardId: 'shardId-000000000000',
  sequenceNumber: 'TRIM_HORIZON',
  subSequenceNumber: 0,
};
const batch = (...records: WireRecord[]): DaemonMessage => ({ kind: 'processRecords', records, millisBehindLatest: 0 });
const keys = ['plain', '', 'clé-中\u2028\u2029😀', '"\\\u0000\n\r', '__proto__', 'null'];

const transports: [string, (cut: Cut) => Session | Promise<Session>][] = [
  ['memory', inMemory((channel) => channel)],
  ['stdio on pipes', inProcess('stdio')],
  ['stdio on sockets', inProcess('stdio', 'socket')],
  ['aws-kcl in memory', inMemory((channel) => awsKclChannel(channel, kcl))],
  ['aws-kcl on pipes', inProcess('aws-kcl')],
  ['a relay taken over', throughRelay],
];

describe.each(transports)('%s', (_, open) => {
  it.each<Cut>(['whole', 'bytewise'])('carries a whole life, with the daemon writing %s', async (cut) => {
    const { daemon, reports, done, end } = await open(cut);
    const records = keys.map((key, index) => record(index, key));

    expect(await daemon.act(initialize)).toEqual([]);
    const asked = await daemon.act(batch(...records));
    expect(await daemon.act(batch())).toEqual([]);
    await daemon.act(batch(record(7, 'later')), 'ThrottlingException');
    expect(await daemon.act({ kind: 'shutdownRequested' })).toEqual([]);
    const atTheEnd = await daemon.act({ kind: 'shardEnded' }, 'ThrottlingException', 'InvalidStateException');
    end();
    await done;

    expect(asked.map((reading) => reading.sequenceNumber)).toEqual([records.at(-1)?.sequenceNumber]);
    expect(atTheEnd.map((reading) => reading.sequenceNumber)).toEqual([null, null, null]);
    expect(reports).toEqual([
      { kind: 'batch', digest: digest(records) },
      { kind: 'answered', target: positionOf(records.at(-1)), result: 'ok' },
      { kind: 'batch', digest: digest([]) },
      { kind: 'batch', digest: digest([record(7, 'later')]) },
      { kind: 'answered', target: positionOf(record(7, 'later')), result: 'retryable' },
      { kind: 'answered', target: 'SHARD_END', result: 'retryable' },
      { kind: 'answered', target: 'SHARD_END', result: 'retryable' },
      { kind: 'answered', target: 'SHARD_END', result: 'ok' },
      { kind: 'ended', detail: 'shardEnded' },
    ]);
    expect(daemon.unread).toEqual([]);
  });

  it('carries a line of 14 MB', async () => {
    const { daemon, reports, done, end } = await open('whole');
    const records = Array.from({ length: 10 }, (_unused, index) =>
      record(index, `k${index}`, Buffer.alloc(1_050_000, `${index} of ten, `)),
    );

    await daemon.act(initialize);
    await daemon.act(batch(...records));
    await daemon.act({ kind: 'leaseLost' });
    end();
    await done;

    expect(reports[0]).toEqual({ kind: 'batch', digest: digest(records) });
    expect(reports.at(-1)).toEqual({ kind: 'ended', detail: 'leaseLost' });
  });

  it('tells the worker when the daemon goes in the middle of an action, and lets it end', async () => {
    const { daemon, reports, done, end } = await open('whole');

    await daemon.act(initialize);
    daemon.send(batch(record(1, 'hang')));
    end();
    await done;

    expect(reports.slice(1)).toMatchObject([
      { kind: 'endOfInput' },
      { kind: 'doubt' },
      { kind: 'ended', detail: 'endOfInput' },
    ]);
    expect(daemon.unread).toEqual([]);
  });
});

const positionOf = (from: WireRecord | undefined) => ({
  sequenceNumber: from?.sequenceNumber,
  subSequenceNumber: from?.subSequenceNumber,
});

describe.each(transports.filter(([name]) => / on /.test(name)))('%s, with user code that prints', (name, open) => {
  it('keeps forged and broken lines from the daemon and shows them on standard error', async () => {
    const { daemon, reports, done, end, printed } = await open('whole');

    await daemon.act(initialize);
    const asked = await daemon.act(batch(record(1, 'first'), record(2, 'pollute'), record(3, 'last')));
    const next = await daemon.act(batch(record(4, 'next')));
    end();
    await done;

    expect(asked.map((reading) => reading.sequenceNumber)).toEqual([record(3, 'last').sequenceNumber]);
    expect(next.map((reading) => reading.sequenceNumber)).toEqual([record(4, 'next').sequenceNumber]);
    expect(daemon.unread).toEqual([]);
    expect(printed()).toContain(
      'null\n{"action":"checkpoint"}\n{"action":"status","responseFor":"processRecords"}\nprogress 50%',
    );
    // The grandchild printed as well, and found its input at its end instead of the daemon's next message.
    expect(printed().split('{"action":"checkpoint"}\n')).toHaveLength(name.includes('sockets') ? 2 : 3);
    expect(reports.at(-1)).toEqual({ kind: 'ended', detail: 'endOfInput' });
  });
});

describe('stdio', () => {
  it.each(['fifo', 'socket'] as const)('ends the session when the daemon stops reading (%s)', async (pipes) => {
    const child = spawnWorker(['stdio'], pipes);
    cleanups.push(child.kill);
    let stderr = '';
    child.stderr.on('data', (chunk: Uint8Array) => (stderr += Buffer.from(chunk).toString()));
    const daemon = new DaemonEnd((bytes) => child.stdin.write(bytes));
    child.stdout.on('data', daemon.receive);
    await daemon.act(initialize);

    child.stdout.destroy();
    daemon.send(batch(record(1, 'k')));
    expect(await child.exited).toBe(0);

    expect(stderr).toContain('"kind":"endOfInput","cause":"The daemon does not read from this worker any more');
  });

  it('serves what a daemon sent that went before the worker had started', () => {
    const line = Buffer.from(encodeDaemonMessage(initialize)).toString();
    const piped = `printf '%s' '${line}' | "$0" "$@" | cat`;

    const { stdout, stderr } = spawnSync(
      'sh',
      ['-c', piped, process.execPath, ...workerCommand(['stdio', 'claim twice'])],
      {
        encoding: 'utf8',
      },
    );

    expect(stdout).toBe('\n{"action":"status","responseFor":"initialize"}\n');
    expect(stderr).toContain('"kind":"ended","detail":"endOfInput"');
    // Meanwhile the process had tried to claim its pipes for a second session.
    expect(stderr).toContain('Run one consumer per process');
  });

  it('says once what cannot be kept apart on sockets, and nothing on pipes', async () => {
    const said = await Promise.all(
      (['fifo', 'socket'] as const).map(async (pipes) => {
        const { daemon, done, end, printed } = inProcess('stdio', pipes)('whole');
        await daemon.act(initialize);
        end();
        await done;
        return printed().match(/can reach the daemon's protocol/g)?.length ?? 0;
      }),
    );

    expect(said).toEqual([0, 2]);
  });
});
