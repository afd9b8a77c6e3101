import { afterEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../test/support/manual-clock.js';
import { endOf, startWorker, type SessionWork } from '../../test/support/session-worker.js';
import type { ResolvedConsumer } from '../config/resolved.js';
import { MillraceError } from '../errors.js';
import type { DaemonMessage } from '../protocol/messages.js';
import { DaemonError } from './daemon-error.js';
import { LocalEngine } from './engine.js';
import { aggregate } from './kpl.js';
import { MemoryCheckpointStore } from './memory-checkpoint-store.js';
import { MemoryStream, type MemoryStreamOptions } from './memory-source.js';
import type { LocalSession } from './shard-loop.js';
import type { RecordSource } from './source.js';

const [P, C1] = ['shardId-000000000000', 'shardId-000000000001'] as const;
type Settings = ResolvedConsumer['settings'];

const settings = {
  heartbeat: true,
  initialPosition: { kind: 'TRIM_HORIZON' },
  maxRecords: 1_000,
  idleTimeBetweenReadsMs: 1_000,
  shardSyncIntervalMs: 10_000,
  parentShardPollIntervalMs: 10_000,
  shutdownGraceMs: 25_000,
  taskBackoffTimeMs: 500,
  logWarningForTaskAfterMs: 60_000,
} as Partial<Settings> as Settings;

/** Whoever holds a gate decides when it opens. */
function gate() {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, opened };
}

const running: { engine: LocalEngine; clock: ManualClock }[] = [];
afterEach(async () => {
  const all = running.splice(0);
  const stopped = all.map(({ engine }) => engine.stop());
  for (const { clock } of all) await clock.advance(30_000);
  await Promise.all(stopped);
  // Whoever has stopped waits for nothing any more.
  if (all.some(({ clock }) => clock.pendingTimers > 0))
    throw new Error('an engine that has stopped still waits on the clock');
});

interface World {
  readonly shards?: number;
  readonly settings?: Partial<Settings>;
  readonly store?: MemoryCheckpointStore;
  readonly source?: RecordSource;
  readonly stream?: MemoryStream;
  readonly clock?: ManualClock;
  /** Replaces what the worker of a session does; by default it checkpoints every batch and every shard end. */
  readonly work?: (session: LocalSession) => Partial<SessionWork>;
}

function world(given: World = {}) {
  const clock = given.clock ?? new ManualClock();
  const streamOptions: MemoryStreamOptions = { stream: 'orders', shards: given.shards ?? 1, now: () => clock.now() };
  const stream = given.stream ?? new MemoryStream(streamOptions);
  const store = given.store ?? new MemoryCheckpointStore();
  const log: string[] = [];
  const handled: string[] = [];
  const events: string[] = [];
  const sessions: LocalSession[] = [];
  const logger = {
    debug() {},
    info() {},
    warn: (_: object, message: string) => void log.push(`warn ${message}`),
    error: (_: object, message: string) => void log.push(`error ${message}`),
  };
  const note = (session: LocalSession, message: DaemonMessage) => {
    const shard = session.shardId.at(-1) ?? '';
    const detail =
      message.kind === 'initialize'
        ? ` ${message.sequenceNumber}/${message.subSequenceNumber}`
        : message.kind === 'processRecords'
          ? ` ${message.records.length}`
          : '';
    events.push(`${shard} ${message.kind}${detail}`);
    if (message.kind === 'processRecords')
      handled.push(...message.records.map((record) => Buffer.from(record.data).toString()));
  };
  const engine = new LocalEngine({
    consumer: {
      stream: 'orders',
      applicationName: 'mailer',
      settings: { ...settings, ...given.settings },
    } as ResolvedConsumer,
    source: given.source ?? stream,
    store,
    clock,
    random: () => 0.5,
    logger,
    openSession: (session) => {
      sessions.push(session);
      const special = given.work?.(session) ?? {};
      startWorker(session.channel, {
        ...special,
        handle: (message) => {
          note(session, message);
          if (special.handle !== undefined) return special.handle(message);
          if (message.kind === 'shardEnded') return 'SHARD_END';
          return message.kind === 'processRecords' ? endOf(message.records) : undefined;
        },
      });
    },
  });
  running.push({ engine, clock });
  const put = (...texts: string[]) =>
    stream.put(texts.map((text) => ({ partitionKey: text, data: Buffer.from(text) })));
  return { engine, clock, stream, store, log, handled, events, sessions, put };
}
const states = (engine: LocalEngine) => engine.status().map((shard) => `${shard.shardId.at(-1)} ${shard.state}`);

describe('reading a stream', () => {
  it('opens a session for every shard and delivers records in order, in batches of maxRecords', async () => {
    const w = world({ settings: { maxRecords: 2 } });
    w.put('a', 'b', 'c');
    await w.engine.start();
    await w.clock.advance(1_000);
    expect(w.events).toEqual(['0 initialize TRIM_HORIZON/0', '0 processRecords 2', '0 processRecords 1']);
    expect(w.handled).toEqual(['a', 'b', 'c']);
  });

  it('reads again after idleTimeBetweenReadsMs, with an empty batch as heartbeat', async () => {
    const w = world({ settings: { idleTimeBetweenReadsMs: 250 } });
    await w.engine.start();
    await w.clock.advance(500);
    expect(w.events.slice(1)).toEqual(['0 processRecords 0', '0 processRecords 0', '0 processRecords 0']);
  });

  it('sends no empty batches without the heartbeat', async () => {
    const w = world({ settings: { heartbeat: false } });
    await w.engine.start();
    await w.clock.advance(5_000);
    w.put('a');
    await w.clock.advance(1_000);
    expect(w.events).toEqual(['0 initialize TRIM_HORIZON/0', '0 processRecords 1']);
  });

  it('takes KPL aggregates apart and resumes inside one', async () => {
    const store = new MemoryCheckpointStore();
    const w = world({ store, work: () => ({ handle: () => undefined }) });
    const data = aggregate(['x', 'y', 'z'].map((text) => ({ partitionKey: text, data: Buffer.from(text) })));
    const [placed] = w.stream.put([{ partitionKey: 'agg', data }]);
    await w.engine.start();
    await w.clock.settle();
    expect(w.handled).toEqual(['x', 'y', 'z']);
    await store.put(P, { sequenceNumber: placed?.sequenceNumber ?? '', subSequenceNumber: 1 });

    const resumed = world({ store, stream: w.stream });
    await resumed.engine.start();
    await resumed.clock.settle();

    expect(resumed.events[0]).toBe(`0 initialize ${placed?.sequenceNumber}/1`);
    expect(resumed.handled).toEqual(['z']);
  });

  it('resumes after the stored checkpoint', async () => {
    const first = world();
    first.put('a', 'b');
    await first.engine.start();
    await first.clock.settle();
    first.put('c');

    const second = world({ store: first.store, stream: first.stream });
    await second.engine.start();
    await second.clock.settle();

    expect(second.handled).toEqual(['c']);
  });

  it('says again and again that an action is not answered', async () => {
    const stuck = gate();
    const w = world({
      settings: { logWarningForTaskAfterMs: 10_000 },
      work: () => ({
        handle: (message) => (message.kind === 'processRecords' ? stuck.opened.then(() => undefined) : undefined),
      }),
    });
    await w.engine.start();
    await w.clock.advance(20_000);
    expect(w.log).toEqual([
      'warn processRecords of shard shardId-000000000000 is not answered after 10000 ms.',
      'warn processRecords of shard shardId-000000000000 is not answered after 20000 ms.',
    ]);
    stuck.open();
  });

  it('shows every shard with its state, lag and checkpoint', async () => {
    const w = world({ shards: 2, settings: { maxRecords: 1 } });
    const results = w.put('a', 'a');
    await w.clock.advance(3_000);
    await w.engine.start();
    await w.clock.settle();
    expect(w.engine.status()).toEqual([
      {
        shardId: P,
        parentShardIds: [],
        state: 'idle',
        sessionId: `mailer/${P}#1`,
        restarts: 0,
        checkpoint: { sequenceNumber: results[0]?.sequenceNumber, subSequenceNumber: 0 },
        millisBehindLatest: 3_000,
      },
      expect.objectContaining({ shardId: C1, state: 'idle', millisBehindLatest: 0 }),
    ]);
  });
});

describe('resharding', () => {
  it('a split while running: the parent to its end, its checkpoint, then both children at once', async () => {
    const w = world();
    w.put('a', 'b');
    await w.engine.start();
    await w.clock.settle();
    w.stream.split(P);
    w.put('a', 'b');
    await w.clock.advance(1_000);
    expect(w.events).toEqual([
      '0 initialize TRIM_HORIZON/0',
      '0 processRecords 2',
      '0 processRecords 0',
      '0 shardEnded',
      '1 initialize TRIM_HORIZON/0',
      '2 initialize TRIM_HORIZON/0',
      '1 processRecords 1',
      '2 processRecords 1',
    ]);
    expect(w.store.get(P)).toBe('SHARD_END');
    expect(states(w.engine)).toEqual(['0 ended', '1 idle', '2 idle']);
  });

  it('a merge waits for both parents', async () => {
    const slow = gate();
    const w = world({
      shards: 2,
      work: (session) => ({
        ...(session.shardId === C1
          ? {
              handle: (message) =>
                message.kind === 'shardEnded' ? slow.opened.then(() => 'SHARD_END' as const) : undefined,
            }
          : {}),
      }),
    });
    await w.engine.start();
    await w.clock.settle();
    w.stream.merge(P, C1);
    await w.clock.advance(30_000);
    expect(states(w.engine)).toEqual(['0 ended', '1 ending', '2 blocked']);
    slow.open();
    await w.clock.advance(1_000);
    expect(states(w.engine)).toEqual(['0 ended', '1 ended', '2 idle']);
  });

  it('on a stream that was resharded before, reads parents before children', async () => {
    const w = world();
    w.put('a');
    w.stream.split(P);
    w.put('a', 'b');
    await w.engine.start();
    await w.clock.settle();
    expect(w.handled).toEqual(['a', 'a', 'b']);
    expect(w.events.indexOf('0 shardEnded')).toBeLessThan(w.events.findIndex((event) => event.startsWith('1 ')));
  });

  it('under LATEST starts at the tip of open shards and reads children that come later from their beginning', async () => {
    const w = world({ settings: { initialPosition: { kind: 'LATEST' } } });
    w.put('past');
    w.stream.split(P);
    w.put('past');
    await w.engine.start();
    await w.clock.settle();
    expect(w.events.filter((event) => event.includes('initialize'))).toEqual([
      '1 initialize LATEST/0',
      '2 initialize LATEST/0',
    ]);
    expect(states(w.engine)).toEqual(['0 unread', '1 idle', '2 idle']);
    w.stream.split(C1);
    w.put('a', 'b');
    await w.clock.advance(2_000);
    expect(w.handled).toEqual(expect.arrayContaining(['a', 'b']));
    expect(w.handled).toHaveLength(2);
  });

  it('under LATEST loses nothing of a split that happened while it was off', async () => {
    const first = world({ settings: { initialPosition: { kind: 'LATEST' } } });
    await first.engine.start();
    await first.clock.settle();
    await Promise.all([first.engine.stop(), first.clock.advance(1_000)]);
    first.stream.split(P);
    first.put('a', 'b');

    const second = world({
      store: first.store,
      stream: first.stream,
      settings: { initialPosition: { kind: 'LATEST' } },
    });
    await second.engine.start();
    await second.clock.advance(2_000);

    expect(second.handled.toSorted()).toEqual(['a', 'b']);
  });

  it('under LATEST loses nothing either when the stream has forgotten all that was read before', async () => {
    const first = world({ settings: { initialPosition: { kind: 'LATEST' } } });
    await first.engine.start();
    await first.clock.settle();
    await Promise.all([first.engine.stop(), first.clock.advance(1_000)]);
    first.stream.split(P);
    first.put('a', 'b');
    first.stream.forgetShard(P);

    const second = world({
      store: first.store,
      stream: first.stream,
      settings: { initialPosition: { kind: 'LATEST' } },
    });
    await second.engine.start();
    await second.clock.advance(2_000);

    expect(second.handled.toSorted()).toEqual(['a', 'b']);
  });

  it('does not wait for parents that the stream has forgotten', async () => {
    const w = world();
    w.stream.split(P);
    w.stream.forgetShard(P);
    await w.engine.start();
    await w.clock.settle();
    expect(states(w.engine)).toEqual(['1 idle', '2 idle']);
  });

  it('finds shards that appear without the end of one that it reads', async () => {
    const w = world({ settings: { shardSyncIntervalMs: 1 } });
    const listed = new MemoryStream({ stream: 'orders', shards: 2, now: () => w.clock.now() });
    let visible = 1;
    const late = world({
      settings: { shardSyncIntervalMs: 5_000 },
      clock: w.clock,
      source: {
        describe: () => listed.describe(),
        listShards: async () => (await listed.listShards()).slice(0, visible),
        openShard: (shardId, start) => listed.openShard(shardId, start),
        close: () => listed.close(),
      },
    });
    await late.engine.start();
    await w.clock.settle();
    visible = 2;
    await w.clock.advance(4_999);
    expect(states(late.engine)).toEqual(['0 idle']);
    await w.clock.advance(1);
    expect(states(late.engine)).toEqual(['0 idle', '1 idle']);
  });

  it('starts no child of a shard whose end was not checkpointed, says so, and gives it another session', async () => {
    let sloppy = true;
    const acks = (channel: LocalSession['channel'], text: string) => {
      channel.write(Buffer.from(`\n{"action":"status","responseFor":"${text}"}\n`));
    };
    const w = world();
    w.stream.split(P);
    const engine = engineWithRawWorker(w, (session, message) => {
      if (message.kind === 'shardEnded' && !sloppy) session.channel.write(Buffer.from('\n{"action":"checkpoint"}\n'));
      acks(session.channel, message.kind);
    });
    await engine.start();
    await w.clock.settle();
    expect(w.log[0]).toContain('acknowledged the end of shard shardId-000000000000 without its checkpoint');
    expect(states(engine)).toEqual(['0 restarting', '1 blocked', '2 blocked']);
    sloppy = false;
    await w.clock.advance(250);
    expect(states(engine)).toEqual(['0 ended', '1 idle', '2 idle']);
  });
});

describe('a worker that fails', () => {
  it('gets a new session from the stored checkpoint, later and later', async () => {
    const w = world({
      work: (session) => ({
        handle: (message) =>
          message.kind === 'processRecords' ? session.channel.close().then(() => undefined) : undefined,
      }),
    });
    w.put('a');
    await w.engine.start();
    await w.clock.settle();
    expect(w.engine.status()[0]).toMatchObject({ state: 'restarting', restarts: 0 });
    await w.clock.advance(250 + 500 + 1_000);
    expect(w.events.filter((event) => event.includes('initialize'))).toHaveLength(4);
    expect(w.handled).toEqual(['a', 'a', 'a', 'a']);
    expect(w.log[0]).toMatch(
      /^error The session of shard shardId-000000000000 failed and starts again from its checkpoint in 250 ms: The worker closed the channel/,
    );
    expect(w.engine.status()[0]).toMatchObject({ restarts: 3, sessionId: `mailer/${P}#4` });
  });

  it('is noticed while its shard is idle', async () => {
    const w = world({ settings: { heartbeat: false } });
    await w.engine.start();
    await w.clock.settle();
    await w.sessions[0]?.channel.close();
    await w.clock.settle();
    expect(w.engine.status()[0]).toMatchObject({ state: 'restarting' });
    await w.clock.advance(250);
    expect(w.engine.status()[0]).toMatchObject({ state: 'idle', restarts: 1 });
  });

  it('by breaking the protocol is told of, and starts again', async () => {
    const w = world();
    w.put('a');
    const engine = engineWithRawWorker(w, (session, message) => {
      session.channel.write(
        Buffer.from(
          message.kind === 'processRecords' ? '\nnull\n' : `\n{"action":"status","responseFor":"${message.kind}"}\n`,
        ),
      );
    });
    await engine.start();
    await w.clock.settle();
    expect(w.log[0]).toBe(
      'error The worker of shard shardId-000000000000 wrote what it must not write: the word null ends a real daemon with every shard of its worker.',
    );
    expect(engine.status()[0]).toMatchObject({ state: 'restarting' });
  });

  it('does not disturb the other shards', async () => {
    const w = world({
      shards: 2,
      work: (session) => (session.shardId === P ? { handle: () => session.channel.close().then(() => undefined) } : {}),
    });
    // md5('b') lies in the second half of the hash space.
    w.put('b');
    await w.engine.start();
    await w.clock.advance(10_000);
    expect(w.handled).toEqual(['b']);
    expect(w.engine.status()[1]).toMatchObject({ restarts: 0, state: 'idle' });
  });
});

describe('stopping', () => {
  it('lets the running action finish, then says shutdownRequested and leaseLost, then ends', async () => {
    const busy = gate();
    const ended: string[] = [];
    const w = world({
      work: () => ({
        handle: (message) =>
          message.kind === 'processRecords' && message.records.length > 0
            ? busy.opened.then(() => endOf(message.records))
            : undefined,
        ended: (why) => void ended.push(why),
      }),
    });
    const [placed] = w.put('a');
    await w.engine.start();
    await w.clock.settle();

    const stopped = w.engine.stop();
    await w.clock.settle();
    expect(w.events.at(-1)).toBe('0 processRecords 1');
    busy.open();
    await stopped;

    expect(w.events.slice(-3)).toEqual(['0 processRecords 1', '0 shutdownRequested', '0 leaseLost']);
    expect(w.store.get(P)).toMatchObject({ sequenceNumber: placed?.sequenceNumber });
    expect(ended).toEqual(['leaseLost']);
    expect(await w.engine.closed).toEqual({ kind: 'stopped' });
    expect(states(w.engine)).toEqual(['0 stopped']);
  });

  it('during the last batch of a closed shard says goodbye, too: what was not handled keeps the shard from ending', async () => {
    const { open, opened } = gate();
    const w = world({
      work: () => ({
        handle: async (message) => {
          if (message.kind === 'processRecords') await opened;
          return undefined;
        },
      }),
    });
    w.put('a');
    w.stream.endShard(P);
    await w.engine.start();
    await w.clock.advance(100);

    const stopped = w.engine.stop();
    open();
    await w.clock.advance(100);
    await stopped;

    expect(w.events.slice(-2)).toEqual(['0 shutdownRequested', '0 leaseLost']);
  });

  it('interrupts an idle wait at once', async () => {
    const w = world({ settings: { idleTimeBetweenReadsMs: 60_000 } });
    await w.engine.start();
    await w.clock.settle();
    await w.engine.stop();
    expect(w.events.slice(-2)).toEqual(['0 shutdownRequested', '0 leaseLost']);
    expect(w.clock.monotonicMs()).toBe(0);
  });

  it('cuts off what is not answered when the grace time is over', async () => {
    const ended: string[] = [];
    const w = world({
      settings: { shutdownGraceMs: 5_000 },
      work: () => ({
        handle: (message) => (message.kind === 'processRecords' ? new Promise(() => undefined) : undefined),
        ended: (why) => void ended.push(why),
      }),
    });
    w.put('a');
    await w.engine.start();
    await w.clock.settle();
    let closed = false;
    void w.engine.stop().then(() => {
      closed = true;
    });
    await w.clock.advance(4_999);
    expect(closed).toBe(false);
    await w.clock.advance(1);
    expect([closed, ended]).toEqual([true, ['endOfInput']]);
    expect(w.log.at(-1)).toContain('The grace time is over');
  });

  it('before or during the start refuses to start', async () => {
    const w = world();
    await w.engine.stop();
    await expect(w.engine.start()).rejects.toMatchObject({ code: 'WORKER_STOPPED' });
    expect(await w.engine.closed).toEqual({ kind: 'stopped' });
    expect(w.sessions).toEqual([]);
  });

  it('does not restart a worker that fails meanwhile', async () => {
    const w = world({
      work: (session) => ({
        handle: (message) =>
          message.kind === 'shutdownRequested' ? session.channel.close().then(() => undefined) : undefined,
      }),
    });
    await w.engine.start();
    await w.clock.settle();
    await w.engine.stop();
    expect(w.sessions).toHaveLength(1);
  });
});

describe('a source or store that fails', () => {
  const failing = (stream: MemoryStream, change: Partial<RecordSource>): RecordSource => ({
    describe: () => stream.describe(),
    listShards: () => stream.listShards(),
    openShard: (shardId, start) => stream.openShard(shardId, start),
    close: () => stream.close(),
    ...change,
  });
  const gone = new MillraceError('STREAM_NOT_FOUND', 'Stream "orders" does not exist.');

  it('at the start rejects start and closes', async () => {
    const w = world();
    const late = world({ source: failing(w.stream, { describe: () => Promise.reject(gone) }) });
    await expect(late.engine.start()).rejects.toBe(gone);
    expect(await late.engine.closed).toEqual({ kind: 'failed', error: gone });
  });

  it('later ends every session in order and says why', async () => {
    const clock = new ManualClock();
    const stream = new MemoryStream({ stream: 'orders', shards: 2, now: () => clock.now() });
    let broken = false;
    const source = failing(stream, {
      openShard: (shardId, start) => {
        const reader = stream.openShard(shardId, start);
        return {
          read: (limit, signal) => (broken && shardId === P ? Promise.reject(gone) : reader.read(limit, signal)),
        };
      },
    });
    const w = world({ clock, source });
    await w.engine.start();
    await clock.settle();
    broken = true;
    await clock.advance(1_000);
    expect(await w.engine.closed).toEqual({ kind: 'failed', error: gone });
    expect(w.events.filter((event) => event.endsWith('leaseLost'))).toHaveLength(2);
  });

  it('in a later listing ends the engine as well', async () => {
    const clock = new ManualClock();
    const stream = new MemoryStream({ stream: 'orders', shards: 1, now: () => clock.now() });
    let listings = 0;
    const w = world({
      clock,
      source: failing(stream, { listShards: () => (listings++ === 0 ? stream.listShards() : Promise.reject(gone)) }),
    });
    await w.engine.start();
    await clock.advance(10_000);
    expect(await w.engine.closed).toMatchObject({ kind: 'failed', error: gone });
  });

  it('to store new leases tries again at the next round', async () => {
    const failures = [new DaemonError('KinesisClientLibDependencyException', 'disk full')];
    class Flaky extends MemoryCheckpointStore {
      override put(shardId: string, target: Parameters<MemoryCheckpointStore['put']>[1]): Promise<void> {
        const failure = shardId === C1 ? failures.shift() : undefined;
        return failure === undefined ? super.put(shardId, target) : Promise.reject(failure);
      }
    }
    const w = world({ store: new Flaky() });
    await w.engine.start();
    await w.clock.settle();
    w.stream.split(P);
    w.put('a', 'b');

    await w.clock.advance(1_000);
    expect(w.log).toEqual(['error New shards cannot start yet: disk full']);
    expect(states(w.engine)).toEqual(['0 ended', '1 unread', '2 blocked']);

    await w.clock.advance(10_000);
    expect(states(w.engine)).toEqual(['0 ended', '1 idle', '2 idle']);
    expect(w.handled.toSorted()).toEqual(['a', 'b']);
  });

  it('by checkpoints of an earlier stream of the same name is refused', async () => {
    const w = world({ store: new MemoryCheckpointStore([[P, 'SHARD_END']]) });
    await expect(w.engine.start()).rejects.toMatchObject({
      code: 'CHECKPOINT_STORE_FAILED',
      message: expect.stringContaining('an earlier stream of this name') as string,
    });
  });
});

/** An engine over the same world whose worker writes whatever a test wants. */
function engineWithRawWorker(
  w: ReturnType<typeof world>,
  answer: (session: LocalSession, message: DaemonMessage) => void,
): LocalEngine {
  const engine = new LocalEngine({
    consumer: { stream: 'orders', applicationName: 'mailer', settings } as ResolvedConsumer,
    source: w.stream,
    store: w.store,
    clock: w.clock,
    random: () => 0.5,
    logger: {
      debug() {},
      info() {},
      warn() {},
      error: (_: object, message: string) => void w.log.push(`error ${message}`),
    },
    openSession: (session) => {
      session.channel.start({
        data: (chunk) => {
          for (const line of Buffer.from(chunk).toString().split('\n').filter(Boolean)) {
            const { action } = JSON.parse(line) as { action: DaemonMessage['kind'] };
            if (action !== 'checkpoint') answer(session, { kind: action } as DaemonMessage);
          }
        },
        end: () => void session.channel.close(),
      });
    },
  });
  running.push({ engine, clock: w.clock });
  return engine;
}
