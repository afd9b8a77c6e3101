import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../test/support/manual-clock.js';
import type { InputRecord } from './input-record.js';
import { sendBatch, type PutApi } from './send-batch.js';

const batch = ['a', 'b', 'c'].map((text): InputRecord => ({ data: Buffer.from(text), partitionKey: text }));

/** Answers each request by the next of the answers; the last one counts for all that follow. */
function api(...answers: ((keys: readonly string[]) => readonly (string | undefined)[])[]) {
  const requests: string[][] = [];
  const putApi: PutApi = {
    putRecords: async (records) => {
      const keys = records.map((record) => record.partitionKey);
      requests.push(keys);
      const answer = answers[Math.min(requests.length, answers.length) - 1];
      return answer?.(keys) ?? [];
    },
  };
  return { requests, putApi };
}

const ok = (keys: readonly string[]) => keys.map(() => undefined);
const refuse =
  (...refused: string[]) =>
  (keys: readonly string[]) =>
    keys.map((key) => (refused.includes(key) ? 'ProvisionedThroughputExceededException: slow down' : undefined));
const fail = (error: Error) => () => {
  throw error;
};

function sending(putApi: PutApi) {
  const clock = new ManualClock();
  const stop = new AbortController();
  const options = {
    api: putApi,
    clock,
    random: () => 1,
    signal: stop.signal,
    stream: 'orders',
    endpoint: 'http://127.0.0.1:1',
  };
  return { clock, stop, sent: sendBatch(batch, options) };
}

async function settled<T>(promise: Promise<T>, clock: ManualClock) {
  const outcome = promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  await clock.advance(120_000);
  return outcome;
}

describe('a batch', () => {
  it('is sent once when everything is stored', async () => {
    const { requests, putApi } = api(ok);
    const { clock, sent } = sending(putApi);
    expect(await settled(sent, clock)).toEqual({ value: { stored: 3, repeated: 0 } });
    expect(requests).toEqual([['a', 'b', 'c']]);
  });

  it('sends only what was refused again', async () => {
    const { requests, putApi } = api(refuse('a', 'c'), refuse('c'), ok);
    const { clock, sent } = sending(putApi);
    expect(await settled(sent, clock)).toEqual({ value: { stored: 3, repeated: 3 } });
    expect(requests).toEqual([['a', 'b', 'c'], ['a', 'c'], ['c']]);
  });

  it('waits longer before every repetition', async () => {
    const { requests, putApi } = api(refuse('a'));
    const { clock, sent } = sending(putApi);
    sent.catch(() => undefined);
    await clock.advance(99);
    expect(requests).toHaveLength(1);
    await clock.advance(1);
    expect(requests).toHaveLength(2);
    await clock.advance(199);
    expect(requests).toHaveLength(2);
    await clock.advance(1);
    expect(requests).toHaveLength(3);
  });

  it('gives up after twelve requests and says what is stored', async () => {
    const { requests, putApi } = api(refuse('b'));
    const { clock, sent } = sending(putApi);
    expect(await settled(sent, clock)).toMatchObject({
      error: { code: 'PUT_FAILED', details: { stored: 2, refused: 1 } },
    });
    expect(requests).toHaveLength(12);
  });

  it('is repeated whole when the request itself passes by', async () => {
    const { requests, putApi } = api(fail(Object.assign(new Error('slow'), { name: 'ThrottlingException' })), ok);
    const { clock, sent } = sending(putApi);
    expect(await settled(sent, clock)).toEqual({ value: { stored: 3, repeated: 3 } });
    expect(requests).toHaveLength(2);
  });

  it('fails after four requests where nobody listens', async () => {
    const { requests, putApi } = api(fail(Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })));
    const { clock, sent } = sending(putApi);
    expect(await settled(sent, clock)).toMatchObject({ error: { code: 'ENDPOINT_UNREACHABLE' } });
    expect(requests).toHaveLength(4);
  });

  it('fails at once where the stream does not exist', async () => {
    const { requests, putApi } = api(fail(Object.assign(new Error('no'), { name: 'ResourceNotFoundException' })));
    const { clock, sent } = sending(putApi);
    expect(await settled(sent, clock)).toMatchObject({ error: { code: 'STREAM_NOT_FOUND' } });
    expect(requests).toHaveLength(1);
  });

  it('says what is stored when it is interrupted', async () => {
    const { putApi } = api(refuse('b'));
    const { clock, stop, sent } = sending(putApi);
    await clock.settle();
    stop.abort();
    expect(await sent).toEqual({ stored: 2, repeated: 0 });
  });
});
