import { afterEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../test/support/manual-clock.js';
import type { GetRecordsAnswer, IteratorStart, KinesisApi } from './kinesis-api.js';
import { KinesisSource } from './kinesis-source.js';
import type { SourceRecord, StartingPosition } from './source.js';

const SHARD = 'shardId-000000000000';
const signal = new AbortController().signal;

/** An error as the AWS SDK throws it. */
const aws = (name: string, httpStatusCode = 400) =>
  Object.assign(new Error(`${name} happened`), { name, $metadata: { httpStatusCode } });
const network = (code: string) => Object.assign(new Error(`connect ${code}`), { code });
const record = (sequenceNumber: string): SourceRecord => ({
  sequenceNumber,
  partitionKey: 'k',
  data: new Uint8Array(),
  approximateArrivalTimestamp: 0,
});
const page = (sequenceNumbers: readonly string[], nextIterator: string | undefined = 'next'): GetRecordsAnswer => ({
  records: sequenceNumbers.map(record),
  nextIterator,
  millisBehindLatest: 7,
});

let clock: ManualClock;
let abort: AbortController;
afterEach(async () => {
  abort.abort(new Error('the test is over'));
  await clock.settle();
  if (clock.pendingTimers > 0) throw new Error('a call still waits on the clock');
});

/** Kinesis as a script: each call takes the next answer of its list, an Error is thrown. */
function source(script: { describe?: unknown[]; list?: unknown[]; records?: unknown[]; iterator?: unknown[] }) {
  clock = new ManualClock();
  abort = new AbortController();
  const iterators: IteratorStart[] = [];
  const read: string[] = [];
  const listed: (string | undefined)[] = [];
  const warnings: string[] = [];
  const next = <T>(answers: unknown[] | undefined, fallback: T): Promise<T> => {
    const answer = answers !== undefined && answers.length > 0 ? answers.shift() : fallback;
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer as T);
  };
  const api: KinesisApi = {
    describeStream: () => next(script.describe, { retentionMs: 86_400_000 }),
    listShards: (token) => {
      listed.push(token);
      return next(script.list, { shards: [], nextToken: undefined });
    },
    getShardIterator: (_, start) => {
      iterators.push(start);
      return next(script.iterator, `iterator-${iterators.length}`);
    },
    getRecords: (iterator) => {
      read.push(iterator);
      return next(script.records, page([]));
    },
    close() {},
  };
  const logger = {
    debug() {},
    info() {},
    error() {},
    warn: (_: object, message: string) => void warnings.push(message),
  };
  const options = {
    stream: 'orders',
    endpoint: undefined,
    region: undefined,
    env: {},
    clock,
    random: () => 0.5,
    logger,
  };
  return { source: new KinesisSource(options, api), iterators, read, listed, warnings };
}
/** What the promise rejects with; taken at once, so that nobody calls it unhandled. */
const failureOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );
const TRIM_HORIZON: StartingPosition = { kind: 'TRIM_HORIZON' };

describe('starting', () => {
  it.each([
    [aws('ResourceNotFoundException'), 'STREAM_NOT_FOUND', 'Stream "orders" does not exist'],
    [aws('CredentialsProviderError'), 'CREDENTIALS_MISSING', 'AWS_PROFILE'],
    [aws('AccessDeniedException'), 'SOURCE_FAILED', 'kinesis:DescribeStreamSummary'],
    [aws('ExpiredTokenException'), 'SOURCE_FAILED', 'AWS refuses'],
    [aws('ValidationException'), 'SOURCE_FAILED', 'ValidationException happened'],
    [new Error('a bug'), 'SOURCE_FAILED', 'a bug'],
  ])('says what %s means, at once', async (error, code, text) => {
    const w = source({ describe: [error] });
    await expect(w.source.describe(signal)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(text) as string,
      cause: error,
    });
  });

  it.each(['ECONNREFUSED', 'ENOTFOUND', 'ETIMEDOUT'])(
    'gives up on an endpoint that answers %s within seconds',
    async (code) => {
      const w = source({ describe: Array.from({ length: 50 }, () => network(code)) });
      const failure = failureOf(w.source.describe(signal));
      await clock.advance(4_000);
      expect(await failure).toMatchObject({ code: 'ENDPOINT_UNREACHABLE' });
      expect(clock.monotonicMs()).toBe(4_000);
    },
  );

  it('waits out a short outage', async () => {
    const w = source({ describe: [network('ECONNREFUSED'), aws('ResourceInUseException')] });
    const facts = w.source.describe(signal);
    await clock.advance(4_000);
    expect(await facts).toEqual({ stream: 'orders', retentionMs: 86_400_000 });
  });
});

describe('listing shards', () => {
  const shard = (shardId: string, parentShardIds: readonly string[] = []) => ({
    shardId,
    parentShardIds,
    closed: false,
  });

  it('follows the pages and leaves out parents that are not listed', async () => {
    const w = source({
      list: [
        { shards: [shard('A', ['gone'])], nextToken: 't1' },
        { shards: [shard('B', ['A', 'gone'])], nextToken: undefined },
      ],
    });
    expect(await w.source.listShards(signal)).toEqual([shard('A'), shard('B', ['A'])]);
    expect(w.listed).toEqual([undefined, 't1']);
  });

  it('begins anew when the token has expired', async () => {
    const w = source({
      list: [
        { shards: [shard('A')], nextToken: 't1' },
        aws('ExpiredNextTokenException'),
        { shards: [shard('A'), shard('B')], nextToken: undefined },
      ],
    });
    expect(await w.source.listShards(signal)).toEqual([shard('A'), shard('B')]);
  });

  it('never gives up once the stream was described', async () => {
    const w = source({ list: Array.from({ length: 6 }, () => aws('LimitExceededException')) });
    await w.source.describe(signal);
    const shards = w.source.listShards(signal);
    await clock.advance(60_000);
    expect(await shards).toEqual([]);
  });
});

describe('reading a shard', () => {
  it('goes on from page to page with one iterator, and stays at the end of a closed shard', async () => {
    const end: GetRecordsAnswer = { records: [record('2')], nextIterator: undefined, millisBehindLatest: 0 };
    const w = source({ records: [page(['1'], 'i2'), end] });
    const reader = w.source.openShard(SHARD, TRIM_HORIZON);
    expect(await reader.read(10, signal)).toEqual({ records: [record('1')], millisBehindLatest: 7, ended: false });
    expect(await reader.read(10, signal)).toEqual({ records: [record('2')], millisBehindLatest: 0, ended: true });
    expect(await reader.read(10, signal)).toEqual({ records: [], millisBehindLatest: 0, ended: true });
    expect([w.iterators, w.read]).toEqual([[TRIM_HORIZON], ['iterator-1', 'i2']]);
  });

  it.each([
    ['ProvisionedThroughputExceededException', 400],
    ['LimitExceededException', 400],
    ['KMSThrottlingException', 400],
    ['InternalFailure', 500],
    ['ServiceUnavailable', 503],
    ['Whatever', 429],
  ])('backs off on %s (%i) and goes on', async (name, status) => {
    const w = source({ records: [aws(name, status), aws(name, status), page(['1'])] });
    const read = w.source.openShard(SHARD, TRIM_HORIZON).read(10, signal);
    await clock.advance(100);
    expect(w.read).toHaveLength(2);
    await clock.advance(200);
    expect((await read).records).toHaveLength(1);
    expect(w.warnings).toEqual([`GetRecords failed once and is tried again: ${name} happened`]);
  });

  it('waits out an outage of any length, with at most ten seconds between tries', async () => {
    const w = source({ records: Array.from({ length: 40 }, () => network('ECONNRESET')) });
    const read = w.source.openShard(SHARD, TRIM_HORIZON).read(10, signal);
    await clock.advance(40 * 10_000);
    expect((await read).records).toEqual([]);
    expect(w.warnings).toHaveLength(5);
  });

  it('replaces an expired iterator by one after the last record', async () => {
    const w = source({ records: [page(['1', '2'], 'old'), aws('ExpiredIteratorException'), page(['3'])] });
    const reader = w.source.openShard(SHARD, TRIM_HORIZON);
    await reader.read(10, signal);
    const read = reader.read(10, signal);
    await clock.advance(1_000);
    expect((await read).records).toEqual([record('3')]);
    expect(w.iterators).toEqual([TRIM_HORIZON, { kind: 'AFTER_SEQUENCE_NUMBER', sequenceNumber: '2' }]);
  });

  it('replaces an expired iterator at its start where nothing was read', async () => {
    const start = { kind: 'AT_SEQUENCE_NUMBER', sequenceNumber: '5' } as const;
    const w = source({ records: [aws('ExpiredIteratorException')] });
    const read = w.source.openShard(SHARD, start).read(10, signal);
    await clock.advance(1_000);
    await read;
    expect(w.iterators).toEqual([start, start]);
  });

  it('under LATEST never takes a second LATEST, which would skip records, but the time of the last good read', async () => {
    const w = source({ records: [page([]), aws('ExpiredIteratorException')] });
    const reader = w.source.openShard(SHARD, { kind: 'LATEST' });
    await reader.read(10, signal);
    const lastGood = clock.now();
    await clock.advance(600_000);
    const read = reader.read(10, signal);
    await clock.advance(1_000);
    await read;
    expect(w.iterators).toEqual([{ kind: 'LATEST' }, { kind: 'AT_TIMESTAMP', timestampMs: lastGood - 60_000 }]);
  });

  it('suspects the iterator itself after three server errors', async () => {
    const w = source({ records: [aws('Unknown', 500), aws('Unknown', 500), aws('Unknown', 500), page(['1'])] });
    const read = w.source.openShard(SHARD, TRIM_HORIZON).read(10, signal);
    await clock.advance(5_000);
    await read;
    expect(w.read).toEqual(['iterator-1', 'iterator-1', 'iterator-1', 'iterator-2']);
  });

  it.each(['InvalidArgumentException', 'ResourceNotFoundException'])(
    'takes %s for a checkpoint of another stream, while the stream is there',
    async (name) => {
      const w = source({ iterator: [aws(name)] });
      const read = w.source.openShard(SHARD, { kind: 'AT_SEQUENCE_NUMBER', sequenceNumber: '5' }).read(10, signal);
      await expect(read).rejects.toMatchObject({
        code: 'SOURCE_FAILED',
        message: expect.stringContaining('earlier stream of this name') as string,
      });
    },
  );

  it('says that the stream is gone when it is', async () => {
    const w = source({ iterator: [aws('ResourceNotFoundException')], describe: [aws('ResourceNotFoundException')] });
    const read = w.source.openShard(SHARD, { kind: 'AT_SEQUENCE_NUMBER', sequenceNumber: '5' }).read(10, signal);
    await expect(read).rejects.toMatchObject({ code: 'STREAM_NOT_FOUND' });
  });

  it('stops waiting as soon as it is told to', async () => {
    const w = source({ records: Array.from({ length: 20 }, () => network('ECONNREFUSED')) });
    const read = w.source.openShard(SHARD, TRIM_HORIZON).read(10, abort.signal);
    const failure = failureOf(read);
    await clock.advance(1_000);
    abort.abort(new Error('stopping'));
    expect(await failure).toMatchObject({ message: 'stopping' });
  });
});
