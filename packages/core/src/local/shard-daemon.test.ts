import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../test/support/manual-clock.js';
import type { CheckpointTarget, Position, WireRecord } from '../protocol/messages.js';
import { memoryChannelPair } from '../transport/memory-channel.js';
import { DaemonError } from './daemon-error.js';
import { ShardDaemon, type ShardDaemonOptions } from './shard-daemon.js';

const at = (sequenceNumber: string, subSequenceNumber = 0): Position => ({ sequenceNumber, subSequenceNumber });
const record = (sequenceNumber: string, subSequenceNumber = 0): WireRecord => ({
  ...at(sequenceNumber, subSequenceNumber),
  data: Buffer.from(`data-${sequenceNumber}`),
  partitionKey: 'k',
  approximateArrivalTimestamp: 1_700_000_000_123,
});
const status = (responseFor: string) => JSON.stringify({ action: 'status', responseFor });
const checkpoint = (sequenceNumber?: string, subSequenceNumber?: number) =>
  JSON.stringify({ action: 'checkpoint', sequenceNumber, subSequenceNumber });
const TRIM_HORIZON = at('TRIM_HORIZON');

/** A daemon, and a worker that says exactly what a test makes it say. */
function open(options: Partial<ShardDaemonOptions> = {}) {
  const pair = memoryChannelPair();
  const puts: [string, CheckpointTarget][] = [];
  const told: string[] = [];
  const seen: string[] = [];
  let text = '';
  let ended = false;
  pair.worker.start({
    data: (chunk) => {
      text += Buffer.from(chunk).toString('utf8');
    },
    end: () => {
      ended = true;
    },
  });
  const daemon = new ShardDaemon({
    shardId: 'shardId-000000000000',
    channel: pair.daemon,
    store: {
      put: (shardId, target) => {
        puts.push([shardId, target]);
        return Promise.resolve();
      },
    },
    observer: {
      onSent: (message) => seen.push(`> ${message.kind}`),
      onReceived: (message) => seen.push(`< ${message.kind}`),
      onMisbehaviour: ({ kind, detail }) => told.push(`${kind}: ${detail}`),
      onEnd: () => seen.push('end'),
    },
    ...options,
  });
  const write = (raw: string) => {
    pair.worker.write(Buffer.from(raw));
  };
  return {
    daemon,
    puts,
    told,
    seen,
    write,
    worker: pair.worker,
    hasEnded: () => ended,
    lines: () => text.split('\n').filter((line) => line !== ''),
    /** What the worker writes once the action has reached it. */
    during: async <T>(action: Promise<T>, ...lines: string[]): Promise<T> => {
      await settle();
      write(lines.map((line) => `\n${line}\n`).join(''));
      return action;
    },
  };
}
type Session = ReturnType<typeof open>;

async function opened(start = TRIM_HORIZON, options: Partial<ShardDaemonOptions> = {}): Promise<Session> {
  const session = open(options);
  await session.during(session.daemon.initialize(start), status('initialize'));
  return session;
}
/** What the promise rejects with; taken at once, so that nobody calls it unhandled. */
const failureOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );
async function settle() {
  for (let hop = 0; hop < 3; hop += 1) await new Promise((resolve) => setImmediate(resolve));
}
/** Refuses with each of these in turn, then stores. */
function failingStore(failures: readonly Error[]): ShardDaemonOptions['store'] {
  const left = [...failures];
  return {
    async put() {
      const failure = left.shift();
      if (failure !== undefined) throw failure;
    },
  };
}
/** Delivers records and checkpoints inside the action; the answers' error names in order. */
async function answers(session: Session, records: readonly WireRecord[], ...checkpoints: string[]) {
  const before = session.lines().length;
  await session.during(session.daemon.processRecords(records, 0), ...checkpoints, status('processRecords'));
  await settle();
  return session
    .lines()
    .slice(before + 1)
    .map((line) => (JSON.parse(line) as { error: string | null }).error);
}

describe('what a session writes', () => {
  it('is, byte for byte, what the daemon writes', async () => {
    const session = await opened(at('49680472844194121894536649072487468500843609055144443906', 2));
    await session.during(
      session.daemon.processRecords([record('49680472844194121894536649072487468500843609055144443906', 3)], 12),
      checkpoint('49680472844194121894536649072487468500843609055144443906', 3),
      status('processRecords'),
    );
    await session.during(session.daemon.processRecords([], 0), status('processRecords'));
    await session.during(session.daemon.shutdownRequested(), checkpoint(), status('shutdownRequested'));
    await session.during(session.daemon.leaseLost(), status('leaseLost'));
    await settle();
    expect(session.lines()).toEqual([
      '{"action":"initialize","shardId":"shardId-000000000000","sequenceNumber":"49680472844194121894536649072487468500843609055144443906","subSequenceNumber":2}',
      '{"action":"processRecords","records":[{"data":"ZGF0YS00OTY4MDQ3Mjg0NDE5NDEyMTg5NDUzNjY0OTA3MjQ4NzQ2ODUwMDg0MzYwOTA1NTE0NDQ0MzkwNg==","partitionKey":"k","sequenceNumber":"49680472844194121894536649072487468500843609055144443906","approximateArrivalTimestamp":1700000000123,"subSequenceNumber":3,"action":"record"}],"millisBehindLatest":12}',
      '{"action":"checkpoint","sequenceNumber":"49680472844194121894536649072487468500843609055144443906","subSequenceNumber":3,"error":null}',
      '{"action":"processRecords","records":[],"millisBehindLatest":0}',
      '{"action":"shutdownRequested"}',
      '{"action":"checkpoint","sequenceNumber":null,"subSequenceNumber":null,"error":null}',
      '{"action":"leaseLost"}',
    ]);
    expect(session.seen.slice(0, 4)).toEqual(['> initialize', '< status', '> processRecords', '< checkpoint']);
    expect(session.told).toEqual([]);
  });

  it('goes out one action at a time, the next one after the status of the one before', async () => {
    const session = await opened();
    const first = session.daemon.processRecords([record('1')], 0);
    const second = session.daemon.shutdownRequested();
    await settle();
    expect(session.lines()).toHaveLength(2);
    await session.during(first, status('processRecords'));
    await session.during(second, status('shutdownRequested'));
    expect(session.lines()).toHaveLength(3);
  });

  it('leaves out records that a checkpoint covers, inside a KPL aggregate too', async () => {
    const session = await opened(at('10', 1));
    await session.during(
      session.daemon.processRecords([record('9'), record('10', 0), record('10', 1), record('10', 2), record('11')], 0),
      checkpoint('10', 2),
      status('processRecords'),
    );
    await session.during(session.daemon.processRecords([record('10', 2), record('11')], 0), status('processRecords'));
    const delivered = session
      .lines()
      .slice(1)
      .filter((line) => line.includes('records'))
      .map((line) => {
        const { records } = JSON.parse(line) as { records: Position[] };
        return records.map(({ sequenceNumber, subSequenceNumber }) => `${sequenceNumber}/${subSequenceNumber}`);
      });
    expect(delivered).toEqual([['10/2', '11/0'], ['11/0']]);
  });

  it('delivers nothing where nothing is left of a batch and empty batches are off', async () => {
    const session = await opened(at('10'), { heartbeat: false });
    await session.daemon.processRecords([record('10')], 0);
    expect(session.lines()).toHaveLength(1);
  });
});

describe('checkpoints', () => {
  it('are stored by shard, and answered when the store has them', async () => {
    const session = await opened();
    expect(await answers(session, [record('1'), record('2', 4)], checkpoint('1', 0), checkpoint('2', 4))).toEqual([
      null,
      null,
    ]);
    expect(session.puts).toEqual([
      ['shardId-000000000000', at('1')],
      ['shardId-000000000000', at('2', 4)],
    ]);
  });

  it('are legal from the last one up to the largest delivered position, also below the first record', async () => {
    const session = await opened();
    const tried = [
      checkpoint('9', 0),
      checkpoint('3', 1),
      checkpoint('0', 0),
      checkpoint('2', 0),
      checkpoint('1', 0),
      checkpoint('03', 0),
    ];
    expect(await answers(session, [record('2'), record('3')], ...tried)).toEqual([
      'IllegalArgumentException',
      'IllegalArgumentException',
      null,
      null,
      'IllegalArgumentException',
      null,
    ]);
  });

  it.each([['abc'], ['TRIM_HORIZON'], ['LATEST'], ['AT_TIMESTAMP'], ['SHARD_END'], [''], ['-1'], ['1.5']])(
    'at "%s" are refused',
    async (sequenceNumber) => {
      const session = await opened();
      expect(await answers(session, [record('5')], checkpoint(sequenceNumber, 0))).toEqual([
        'IllegalArgumentException',
      ]);
      expect(session.puts).toEqual([]);
    },
  );

  it('with a negative sub-sequence number are refused, without one they mean 0', async () => {
    const session = await opened();
    expect(await answers(session, [record('5', 0), record('5', 2)], checkpoint('5', -1), checkpoint('5'))).toEqual([
      'IllegalArgumentException',
      null,
    ]);
    expect(await answers(session, [record('5', 2)], checkpoint('5', 2), checkpoint('5'))).toEqual([
      null,
      'IllegalArgumentException',
    ]);
    expect(session.puts.map(([, target]) => target)).toEqual([at('5', 0), at('5', 2)]);
  });

  it('at the stored position succeed without touching the store', async () => {
    const session = await opened(at('5', 1));
    expect(await answers(session, [record('6')], checkpoint('5', 1), checkpoint('6', 0), checkpoint('6', 0))).toEqual([
      null,
      null,
      null,
    ]);
    expect(session.puts).toHaveLength(1);
  });

  it('without arguments go to the end of the batch, handled or not', async () => {
    const session = await opened();
    await answers(session, [record('1'), record('2')], checkpoint());
    expect(session.puts).toEqual([['shardId-000000000000', at('2')]]);
  });

  it('without arguments, before anything was delivered, store nothing', async () => {
    const session = await opened();
    expect(await answers(session, [], checkpoint())).toEqual([null]);
    expect(session.puts).toEqual([]);
  });

  it.each(['initialize', 'leaseLost'] as const)('in %s are an invalid state', async (action) => {
    const session = action === 'initialize' ? open() : await opened();
    const running = action === 'initialize' ? session.daemon.initialize(TRIM_HORIZON) : session.daemon.leaseLost();
    await session.during(running, checkpoint('1', 0), checkpoint(), status(action));
    await settle();
    expect(session.lines().slice(-2)).toEqual([
      '{"action":"checkpoint","sequenceNumber":"1","subSequenceNumber":0,"error":"InvalidStateException"}',
      '{"action":"checkpoint","sequenceNumber":null,"subSequenceNumber":null,"error":"InvalidStateException"}',
    ]);
  });

  it.each([
    [new DaemonError('ThrottlingException'), 'ThrottlingException'],
    [new DaemonError('ShutdownException'), 'ShutdownException'],
    [new DaemonError('NullPointerException'), 'NullPointerException'],
    [new Error('disk full'), 'KinesisClientLibDependencyException'],
  ])('that the store refuses with %s are answered with its Java name, and may be tried again', async (error, name) => {
    const session = await opened(TRIM_HORIZON, {
      store: failingStore([error]),
    });
    expect(await answers(session, [record('1')], checkpoint('1', 0), checkpoint('1', 0))).toEqual([name, null]);
  });
});

describe('the end of a shard', () => {
  it('is checkpointed by the argument-less form', async () => {
    const session = await opened();
    await answers(session, [record('1')], checkpoint('1', 0));
    expect(await session.during(session.daemon.shardEnded(), checkpoint(), status('shardEnded'))).toEqual({
      checkpointed: true,
    });
    expect(session.puts.at(-1)).toEqual(['shardId-000000000000', 'SHARD_END']);
  });

  it('is checkpointed by the last position, when that was not stored before', async () => {
    const session = await opened();
    await answers(session, [record('1')]);
    expect(await session.during(session.daemon.shardEnded(), checkpoint('1', 0), status('shardEnded'))).toEqual({
      checkpointed: true,
    });
    expect(session.puts).toEqual([['shardId-000000000000', 'SHARD_END']]);
  });

  it.each([
    ['without a checkpoint', []],
    ['with the last position again', [checkpoint('1', 0)]],
  ])('acknowledged %s is not checkpointed', async (_, said) => {
    const session = await opened();
    await answers(session, [record('1')], checkpoint('1', 0));
    expect(await session.during(session.daemon.shardEnded(), ...said, status('shardEnded'))).toEqual({
      checkpointed: false,
    });
  });

  it('whose checkpoint fails at first waits for the worker to try again', async () => {
    const session = await opened(TRIM_HORIZON, {
      store: failingStore([new DaemonError('ThrottlingException')]),
    });
    expect(await session.during(session.daemon.shardEnded(), checkpoint(), checkpoint(), status('shardEnded'))).toEqual(
      { checkpointed: true },
    );
  });
});

describe('a worker that misbehaves', () => {
  it.each([
    ['progress 50%', 'skippedLine: it is no JSON object'],
    [
      '{"action":"status","responseFor":"processRecords","traceId":1}',
      'skippedLine: "traceId" is no field of a status',
    ],
    ['{"action":"checkpoint","checkpoint":"1"}', 'skippedLine: "checkpoint" is no field of a checkpoint'],
  ])('by writing %s is overlooked and told of, while the action stays open', async (line, report) => {
    const session = await opened();
    const running = session.daemon.processRecords([record('1')], 0);
    await settle();
    session.write(`${line}\n`);
    await settle();
    expect(session.told).toEqual([report]);
    await session.during(running, status('processRecords'));
  });

  it('by a text without a line feed before its status stalls, until a line feed parts them', async () => {
    const session = await opened();
    const running = session.daemon.processRecords([record('1')], 0);
    await settle();
    session.write(`50%...${status('processRecords')}\n`);
    await settle();
    expect(session.told).toHaveLength(1);
    await session.during(running, status('processRecords'));
  });

  it('by carriage returns is understood, as Java ends lines there, too', async () => {
    const session = await opened();
    const running = session.daemon.processRecords([record('1')], 0);
    await settle();
    session.write(`\r${status('processRecords')}\r\n`);
    await running;
    expect(session.told).toEqual([]);
  });

  it.each([
    ['null', 'nullLine'],
    [status('initialize'), 'wrongStatus'],
    ['{"action":"status"}', 'wrongStatus'],
  ])('by writing %s ends its session for good', async (line, kind) => {
    const session = await opened();
    await expect(session.during(session.daemon.processRecords([record('1')], 0), line)).rejects.toMatchObject({
      code: 'PROTOCOL_VIOLATION',
    });
    expect(session.told[0]).toMatch(new RegExp(`^${kind}: `));
    await expect(session.daemon.shutdownRequested()).rejects.toMatchObject({ code: 'PROTOCOL_VIOLATION' });
  });

  it('by a second status has its next batch taken for done at once, and is told of', async () => {
    const session = await opened();
    await session.during(
      session.daemon.processRecords([record('1')], 0),
      status('processRecords'),
      status('processRecords'),
    );
    await session.daemon.processRecords([record('2')], 0);
    await settle();
    session.write(`${status('processRecords')}\n`);
    await settle();
    expect(session.told).toEqual(['outOfTurn: no action is open']);
  });

  it('by a checkpoint between two actions has it executed in the next one', async () => {
    const session = await opened();
    await answers(session, [record('1')]);
    session.write(`${checkpoint()}\n`);
    await settle();
    expect(session.puts).toEqual([]);
    await answers(session, [record('2')]);
    expect([session.told, session.puts]).toEqual([
      ['outOfTurn: no action is open'],
      [['shardId-000000000000', at('2')]],
    ]);
  });

  it('by a line without end is given up', async () => {
    const session = await opened();
    const running = session.daemon.processRecords([record('1')], 0);
    const failure = failureOf(running);
    await settle();
    const block = new Uint8Array(33 * 1024 * 1024).fill(0x78);
    session.worker.write(block);
    session.worker.write(block);
    expect(await failure).toMatchObject({ code: 'TRANSPORT_FAILED', cause: { code: 'LINE_TOO_LONG' } });
  });
});

describe('a message that does not come in time', () => {
  it('is the end of the session, although messages before it came', async () => {
    const clock = new ManualClock();
    const session = await opened(TRIM_HORIZON, { messageTimeout: { ms: 2_000, clock } });
    const failure = failureOf(session.daemon.processRecords([record('1')], 0));
    await settle();
    await clock.advance(1_999);
    session.write(`${checkpoint('1', 0)}\n`);
    await settle();
    await clock.advance(1_999);
    session.write(`${status('processRecords')}\n`);
    expect(await failure).toBeUndefined();

    const halted = failureOf(session.daemon.processRecords([record('2')], 0));
    await settle();
    await clock.advance(2_000);
    expect(await halted).toMatchObject({
      code: 'PROTOCOL_VIOLATION',
      message: expect.stringContaining('no message for 2000 ms while processRecords is open') as string,
    });
    await expect(session.daemon.leaseLost()).rejects.toMatchObject({ code: 'PROTOCOL_VIOLATION' });
  });
});

describe('the channel', () => {
  it('closed by the worker in an action fails it and all later ones', async () => {
    const session = await opened();
    const running = session.daemon.processRecords([record('1')], 0);
    const failure = failureOf(running);
    await settle();
    await session.worker.close();
    expect(await failure).toMatchObject({ code: 'TRANSPORT_FAILED' });
    expect(session.seen.at(-1)).toBe('end');
    await expect(session.daemon.shutdownRequested()).rejects.toMatchObject({ code: 'TRANSPORT_FAILED' });
  });

  it('closed by the worker while idle fails the next action', async () => {
    const session = await opened();
    await session.worker.close();
    await settle();
    await expect(session.daemon.processRecords([record('1')], 0)).rejects.toMatchObject({ code: 'TRANSPORT_FAILED' });
  });

  it('is ended for the worker by end(), also in the middle of an action, which then fails', async () => {
    const session = await opened();
    const failure = failureOf(session.daemon.processRecords([record('1')], 0));
    await settle();
    await session.daemon.end();
    expect(await failure).toMatchObject({ code: 'TRANSPORT_FAILED' });
    await session.daemon.end();
    await settle();
    expect(session.hasEnded()).toBe(true);
  });

  it('ended while the store is still writing gets no late answer', async () => {
    let stored: () => void = () => undefined;
    const session = await opened(TRIM_HORIZON, {
      store: {
        put: () =>
          new Promise((resolve) => {
            stored = resolve;
          }),
      },
    });
    const failure = failureOf(session.during(session.daemon.processRecords([record('1')], 0), checkpoint('1', 0)));
    await settle();
    await session.daemon.end();
    stored();
    expect(await failure).toMatchObject({ code: 'TRANSPORT_FAILED' });
    expect(session.seen).toEqual(['> initialize', '< status', '> processRecords', '< checkpoint']);
  });
});

describe('an action out of place is refused', () => {
  it('before initialize, a second initialize, and after the last word', async () => {
    const fresh = open();
    await expect(fresh.daemon.processRecords([], 0)).rejects.toThrow('not initialized yet');
    const session = await opened();
    await expect(session.daemon.initialize(TRIM_HORIZON)).rejects.toThrow('initialized already');
    await session.during(session.daemon.leaseLost(), status('leaseLost'));
    await expect(session.daemon.processRecords([], 0)).rejects.toThrow('over');
    await session.worker.close();
    await session.daemon.end();
    await expect(session.daemon.leaseLost()).rejects.toThrow('closed');
  });
});
