/**
 * A million inputs for what reads bytes from elsewhere. Each target has a model that is slow and plain, or a rule that holds for
 * every input.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseProperties, writeProperties } from '../src/config/properties-text.js';
import { aggregate, deaggregate } from '../src/local/kpl.js';
import { readWorkerLine } from '../src/local/worker-line.js';
import { encodeDaemonMessage } from '../src/protocol/daemon-side.js';
import { decodeMessage } from '../src/protocol/decoder.js';
import { encodeMessage } from '../src/protocol/encoder.js';
import { LineSplitter } from '../src/protocol/line-splitter.js';
import type { DaemonMessage, WireRecord, WorkerMessage } from '../src/protocol/messages.js';
import { comparePositions } from '../src/protocol/position.js';
import { plain, read, readSlowly, same } from './plain-reading.js';

const cases = Number(process.env['MILLRACE_FUZZ_CASES'] ?? 1_000_000);
/** What each target gets of the cases. */
const shares = {
  read: 0.15,
  damaged: 0.15,
  refused: 0.1,
  cut: 0.1,
  written: 0.1,
  foreign: 0.1,
  positions: 0.15,
  kpl: 0.05,
  damagedKpl: 0.05,
  properties: 0.05,
};
const part = (target: keyof typeof shares): { readonly numRuns: number } => ({
  numRuns: Math.ceil(cases * shares[target]),
});
const WITHIN_MS = 1_800_000;

const text = fc.string({
  unit: fc.constantFrom(...'"\\/{}[],:\n\r a0é\u2028\u0000', '😀', '\ud800', '\udc00', '__proto__', '\\u0041'),
  maxLength: 12,
});
const digits = fc.bigInt({ min: 0n, max: 10n ** 57n }).map(String);
const wireRecord: fc.Arbitrary<WireRecord> = fc.record({
  data: fc.oneof(fc.uint8Array({ maxLength: 30 }), fc.uint8Array({ minLength: 1_000, maxLength: 1_300 })),
  partitionKey: text,
  sequenceNumber: digits,
  approximateArrivalTimestamp: fc.option(fc.nat({ max: 2 ** 40 }), { nil: undefined }),
  subSequenceNumber: fc.nat({ max: 2 ** 31 }),
});
const batch: fc.Arbitrary<DaemonMessage> = fc.record({
  kind: fc.constant('processRecords' as const),
  records: fc.array(wireRecord, { maxLength: 3 }),
  millisBehindLatest: fc.option(fc.nat(), { nil: undefined }),
});

describe('the reader of the daemon', () => {
  it('gives back what the daemon wrote, whatever stands in it', { timeout: WITHIN_MS }, () => {
    fc.assert(
      fc.property(batch, (message) => same(read(encodeDaemonMessage(message).subarray(0, -1)), plain(message))),
      part('read'),
    );
  });

  it('reads a damaged line as JSON.parse does, or refuses it by code', { timeout: WITHIN_MS }, () => {
    fc.assert(
      fc.property(
        batch,
        fc.nat(),
        fc.nat({ max: 3 }),
        fc.uint8Array({ maxLength: 4 }),
        (message, place, gone, extra) => {
          const line = Buffer.from(encodeDaemonMessage(message).subarray(0, -1));
          const at = place % line.length;
          const damaged = Buffer.concat([line.subarray(0, at), extra, line.subarray(at + gone)]);
          // A control character in data is no JSON, and no base64 either: only the code of the refusal differs.
          if (damaged.some((byte) => byte < 0x20)) return read(damaged) !== undefined;
          return same(read(damaged), readSlowly(damaged));
        },
      ),
      part('damaged'),
    );
  });

  it('refuses anything else by code', { timeout: WITHIN_MS }, () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.json().map((json) => Buffer.from(json)),
          fc.uint8Array({ maxLength: 60 }),
        ),
        (line) => read(line) !== undefined,
      ),
      part('refused'),
    );
  });

  it('finds the same lines however the bytes are cut, and records outlive the bytes', { timeout: WITHIN_MS }, () => {
    fc.assert(
      fc.property(
        fc.array(batch, { minLength: 1, maxLength: 3 }),
        fc.array(fc.nat({ max: 9_000 }), { maxLength: 6 }),
        (messages, cuts) => {
          const bytes = Buffer.concat(messages.map(encodeDaemonMessage));
          const places = [...cuts.map((place) => place % bytes.length), bytes.length].toSorted((a, b) => a - b);
          const splitter = new LineSplitter(1 << 20);
          const decoded: DaemonMessage[] = [];
          let from = 0;
          for (const to of places) {
            const chunk = Buffer.from(bytes.subarray(from, to));
            for (const line of splitter.push(chunk)) decoded.push(decodeMessage(line));
            splitter.letGo();
            // Whoever gave the chunk uses its memory again.
            chunk.fill(0xff);
            from = to;
          }
          return same(decoded.map(plain), messages.map(plain));
        },
      ),
      part('cut'),
    );
  });
});

describe('what is written for the daemon', () => {
  const message: fc.Arbitrary<WorkerMessage> = fc.oneof(
    fc.record({
      kind: fc.constant('status' as const),
      responseFor: fc.constantFrom('initialize', 'processRecords', 'shutdownRequested', 'leaseLost', 'shardEnded'),
    }),
    fc.record({
      kind: fc.constant('checkpoint' as const),
      target: fc.oneof(
        fc.constant('SHARD_END' as const),
        fc.record({ sequenceNumber: digits, subSequenceNumber: fc.nat() }),
      ),
    }),
  );

  it('is taken by it, field by field, in ASCII', { timeout: WITHIN_MS }, () => {
    fc.assert(
      fc.property(message, (sent) => {
        const [before, line = '', after] = Buffer.from(encodeMessage(sent)).toString('latin1').split('\n');
        const taken = readWorkerLine(line);
        const expected =
          sent.kind === 'status' ? sent : { kind: 'checkpoint', ...(sent.target === 'SHARD_END' ? {} : sent.target) };
        return before === '' && after === '' && /^[ -~]+$/.test(line) && same(taken, expected);
      }),
      part('written'),
    );
  });

  it('is told from what anybody else writes', { timeout: WITHIN_MS }, () => {
    fc.assert(
      fc.property(fc.oneof(text, fc.json()), (line) => {
        const { kind } = readWorkerLine(line);
        return kind === 'skipped' || kind === 'null' || line.includes('action');
      }),
      part('foreign'),
    );
  });
});

it('positions compare as numbers of any length', { timeout: WITHIN_MS }, () => {
  const position = fc.record({
    sequenceNumber: fc.tuple(fc.constantFrom('', '0', '000'), digits).map((parts) => parts.join('')),
    subSequenceNumber: fc.nat(),
  });
  fc.assert(
    fc.property(position, position, (a, b) => {
      const [first, second] = [BigInt(a.sequenceNumber), BigInt(b.sequenceNumber)];
      const order = first === second ? a.subSequenceNumber - b.subSequenceNumber : first < second ? -1 : 1;
      return Math.sign(comparePositions(a, b)) === Math.sign(order);
    }),
    part('positions'),
  );
});

describe('aggregates of the KPL', () => {
  const userRecord = fc.record({
    partitionKey: fc.string({ minLength: 1, maxLength: 8 }),
    data: fc.uint8Array({ maxLength: 20 }),
  });
  const stored = (data: Uint8Array) => ({
    sequenceNumber: '1',
    partitionKey: 'outer',
    data,
    approximateArrivalTimestamp: 0,
  });

  it('come apart into what was put in', { timeout: WITHIN_MS }, () => {
    fc.assert(
      fc.property(fc.array(userRecord, { minLength: 1, maxLength: 5 }), (put) => {
        const { records, dropped } = deaggregate(stored(aggregate(put)));
        const got = records.map(({ partitionKey, data }) => [partitionKey, Buffer.from(data).toString('hex')]);
        return (
          dropped === 0 &&
          same(
            got,
            put.map(({ partitionKey, data }) => [partitionKey, Buffer.from(data).toString('hex')]),
          )
        );
      }),
      part('kpl'),
    );
  });

  it('that are damaged are records like others, and never an error', { timeout: WITHIN_MS }, () => {
    fc.assert(
      fc.property(
        fc.array(userRecord, { minLength: 1, maxLength: 3 }),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        (put, place, flip) => {
          const data = Buffer.from(aggregate(put));
          const at = place % data.length;
          data[at] = (data[at] ?? 0) ^ flip;
          const { records } = deaggregate(stored(data));
          return records.length === 1 && Buffer.from(records[0]?.data ?? []).equals(data);
        },
      ),
      part('damagedKpl'),
    );
  });
});

it('properties come back as they were written, whatever stands in them', { timeout: WITHIN_MS }, () => {
  const entry = fc.record({ name: fc.string({ minLength: 1, maxLength: 8 }), value: text });
  fc.assert(
    fc.property(fc.uniqueArray(entry, { selector: ({ name }) => name, maxLength: 4 }), (entries) => {
      const written = writeProperties(entries);
      const { entries: read } = parseProperties(written);
      return same(
        read.map(({ name, value }) => [name, value]),
        entries.map(({ name, value }) => [name, value]),
      );
    }),
    part('properties'),
  );
});

it('gives every case to a target', () => {
  expect(Object.values(shares).reduce((a, b) => a + b)).toBeCloseTo(1);
});
