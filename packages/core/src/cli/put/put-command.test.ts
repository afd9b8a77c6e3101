import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../test/support/manual-clock.js';
import { sendAll, type PutRequest } from './put-command.js';
import type { PutApi } from './send-batch.js';

const request: PutRequest = {
  stream: 'orders',
  source: { kind: 'pattern', pattern: '{"n":{{n}},"at":"{{now}}"}', count: 10 },
  key: { kind: 'random' },
  raw: false,
  ratePerSecond: undefined,
  endpoint: undefined,
  region: undefined,
  json: false,
};

function sending(change: Partial<PutRequest>, refuse: (key: string) => boolean = () => false) {
  const clock = new ManualClock(Date.UTC(2026, 0, 31));
  const stop = new AbortController();
  const totals = { stored: 0, repeated: 0 };
  const texts: string[] = [];
  const api: PutApi = {
    putRecords: async (records) => {
      texts.push(...records.map(({ data }) => Buffer.from(data).toString()));
      return records.map(({ data }) => (refuse(Buffer.from(data).toString()) ? 'InternalFailure: no' : undefined));
    },
  };
  const terminal = { out: () => undefined, err: () => undefined, env: {}, cwd: '/', command: 'millrace' };
  const ports = { terminal, clock, random: () => 0, signal: stop.signal };
  return { clock, stop, totals, texts, sent: sendAll({ request: { ...request, ...change }, api, totals, ports }) };
}

describe('sending', () => {
  it('makes every record of the pattern with its number and the time', async () => {
    const { sent, texts, totals } = sending({});
    await sent;
    expect(texts.slice(0, 2)).toEqual([
      '{"n":1,"at":"2026-01-31T00:00:00.000Z"}',
      '{"n":2,"at":"2026-01-31T00:00:00.000Z"}',
    ]);
    expect(totals).toEqual({ stored: 10, repeated: 0 });
  });

  it('keeps to the rate', async () => {
    const { clock, sent, texts } = sending({ ratePerSecond: 10 });
    await clock.settle();
    expect(texts).toHaveLength(2);
    await clock.advance(199);
    expect(texts).toHaveLength(2);
    await clock.advance(1);
    expect(texts).toHaveLength(4);
    await clock.advance(1_000);
    await sent;
    expect(texts).toHaveLength(10);
  });

  it('ends between two batches when it is interrupted', async () => {
    const { clock, stop, sent, totals } = sending({ ratePerSecond: 10 });
    await clock.settle();
    stop.abort();
    await sent;
    expect(totals.stored).toBe(2);
    expect(clock.pendingTimers).toBe(0);
  });

  it('counts what is stored of a request that fails in the end', async () => {
    const { clock, sent, totals } = sending({}, (text) => text.includes('"n":4,'));
    const failed = sent.then(
      () => undefined,
      (error: unknown) => error,
    );
    await clock.advance(60_000);
    expect(await failed).toMatchObject({ code: 'PUT_FAILED' });
    expect(totals.stored).toBe(9);
  });
});
