import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isMillraceError } from '../errors.js';
import { encodeDaemonMessage } from './daemon-side.js';
import { decodeMessage } from './decoder.js';
import type { DaemonMessage, WireRecord } from './messages.js';
import { comparePositions } from './position.js';
import { scanProcessRecords } from './template-scan.js';

const SEQUENCE = '49680472822785406503947250856611970033281563257059934210';

const decode = (json: string): DaemonMessage => decodeMessage(Buffer.from(json));

/** Everything that can be seen of a message, with the lazy values read. */
function seen(message: DaemonMessage): unknown {
  if (message.kind !== 'processRecords') return message;
  const { kind, records, millisBehindLatest } = message;
  return { kind, records: records.map(seenRecord), millisBehindLatest };
}

function seenRecord(record: WireRecord) {
  return {
    partitionKey: record.partitionKey,
    sequenceNumber: record.sequenceNumber,
    subSequenceNumber: record.subSequenceNumber,
    approximateArrivalTimestamp: record.approximateArrivalTimestamp,
    data: readData(record),
  };
}

function readData(record: WireRecord): string {
  try {
    return Buffer.from(record.data).toString('hex');
  } catch (error) {
    return isMillraceError(error) ? error.code : 'not our error';
  }
}

function onlyRecord(json: string): WireRecord {
  const message = decode(json);
  if (message.kind !== 'processRecords' || message.records.length !== 1) throw new Error(`not one record: ${json}`);
  return message.records[0]!;
}

function codeOf(json: string | Uint8Array): string {
  try {
    decodeMessage(Buffer.from(json));
    return 'no error';
  } catch (error) {
    return isMillraceError(error) ? error.code : `not our error: ${String(error)}`;
  }
}

/** A batch of one record, with fields replaced by other JSON text. */
function batch(fields: Readonly<Record<string, string>> = {}): string {
  const record = {
    data: '"Y2F0"',
    partitionKey: '"pk"',
    sequenceNumber: `"${SEQUENCE}"`,
    approximateArrivalTimestamp: '1700000000123',
    subSequenceNumber: '0',
    action: '"record"',
    ...fields,
  };
  const members = Object.entries(record).map(([name, value]) => `"${name}":${value}`);
  return `{"action":"processRecords","records":[{${members.join(',')}}],"millisBehindLatest":7}`;
}

/** The same line in a form that only JSON.parse can read. */
const viaJson = (line: string) => decode(` ${line}`);

describe('decodeMessage', () => {
  it('reads initialize with a position or a sentinel', () => {
    expect(
      decode(
        `{"action":"initialize","shardId":"shardId-000000000000","sequenceNumber":"${SEQUENCE}","subSequenceNumber":2}`,
      ),
    ).toEqual({
      kind: 'initialize',
      shardId: 'shardId-000000000000',
      sequenceNumber: SEQUENCE,
      subSequenceNumber: 2,
    });
    expect(decode('{"action":"initialize","shardId":"s","sequenceNumber":null,"subSequenceNumber":null}')).toEqual({
      kind: 'initialize',
      shardId: 's',
      sequenceNumber: undefined,
      subSequenceNumber: 0,
    });
  });

  it('reads the answer to a checkpoint, with and without error', () => {
    expect(decode('{"action":"checkpoint","sequenceNumber":"123","subSequenceNumber":0,"error":null}')).toEqual({
      kind: 'checkpoint',
      sequenceNumber: '123',
      subSequenceNumber: 0,
      error: undefined,
    });
    expect(
      decode('{"action":"checkpoint","sequenceNumber":null,"subSequenceNumber":null,"error":"ShutdownException"}'),
    ).toEqual({
      kind: 'checkpoint',
      sequenceNumber: undefined,
      subSequenceNumber: undefined,
      error: 'ShutdownException',
    });
  });

  it.each(['shutdownRequested', 'leaseLost', 'shardEnded'])('reads %s', (action) => {
    expect(decode(`{"action":"${action}"}`)).toEqual({ kind: action });
  });

  it('reads an empty batch', () => {
    expect(seen(decode('{"action":"processRecords","records":[],"millisBehindLatest":0}'))).toEqual({
      kind: 'processRecords',
      records: [],
      millisBehindLatest: 0,
    });
  });

  it('ignores fields that a newer daemon may add', () => {
    const message = decode(batch({ encryptionType: '"KMS"' }));

    expect(seen(message)).toEqual(seen(decode(batch())));
    expect(decode('{"reason":"x","action":"leaseLost"}')).toEqual({ kind: 'leaseLost' });
  });

  it.each<[string, Record<string, string>, object]>([
    ['null data as empty bytes', { data: 'null' }, { data: '' }],
    ['a null key as an empty key', { partitionKey: 'null' }, { partitionKey: '' }],
    ['a null arrival as unknown', { approximateArrivalTimestamp: 'null' }, { approximateArrivalTimestamp: undefined }],
    ['a null sub-sequence number as 0', { subSequenceNumber: 'null' }, { subSequenceNumber: 0 }],
  ])('reads %s', (_, fields, expected) => {
    expect(seenRecord(onlyRecord(batch(fields)))).toMatchObject(expected);
  });

  it('reads null for the lag and for the records', () => {
    expect(decode('{"action":"processRecords","records":null,"millisBehindLatest":null}')).toEqual({
      kind: 'processRecords',
      records: [],
      millisBehindLatest: undefined,
    });
  });

  it.each([
    ['nothing but blanks', '  '],
    ['null', 'null'],
    ['a number', '42'],
    ['a list', '[]'],
    ['text', 'hello'],
    ['no action', '{"records":[]}'],
    ['an action that is no text', '{"action":1}'],
    ['an action of the first KCL', '{"action":"shutdown","reason":"TERMINATE"}'],
    ['an inherited action', '{"__proto__":{"action":"leaseLost"}}'],
    ['two values', '{"action":"leaseLost"}{"action":"leaseLost"}'],
    ['initialize without a shard', '{"action":"initialize","sequenceNumber":"1","subSequenceNumber":0}'],
    ['records that are no list', '{"action":"processRecords","records":{},"millisBehindLatest":0}'],
    ['a record that is no object', '{"action":"processRecords","records":[null],"millisBehindLatest":0}'],
    ['a record without sequence number', batch({ sequenceNumber: 'null' })],
    ['a sequence number that lost digits as a number', batch({ sequenceNumber: '4.9e55' })],
    ['a record at a sentinel', batch({ sequenceNumber: '"LATEST"' })],
    ['a record with an empty sequence number', batch({ sequenceNumber: '""' })],
    ['data that is no text', batch({ data: '1' })],
    ['an arrival that is no number', batch({ approximateArrivalTimestamp: '"now"' })],
    ['a sub-sequence number that is not exact', batch({ subSequenceNumber: '9007199254740993' })],
    ['a key with a raw control character', batch({ partitionKey: '"a\tb"' })],
    ['a key with a broken escape', batch({ partitionKey: '"a\\x"' })],
    ['a key that never ends', '{"action":"processRecords","records":[{"data":"","partitionKey":"ab'],
    ['data that never end', '{"action":"processRecords","records":[{"data":"'],
    ['a batch cut off', batch().slice(0, -3)],
  ])('throws PROTOCOL_VIOLATION for %s', (_, line) => {
    expect(codeOf(line)).toBe('PROTOCOL_VIOLATION');
  });

  it('does not quote the line in its error, since a line may hold payloads', () => {
    let thrown: unknown;
    try {
      decode('{"action":"processRecords","records":[{"data":"c2VjcmV0"');
    } catch (error) {
      thrown = error;
    }
    expect(JSON.stringify(thrown) + String(thrown)).not.toContain('c2VjcmV0');
  });

  it('takes a field named __proto__ for the unknown field it is', () => {
    const record = onlyRecord(
      batch({ ['__proto__']: '{"partitionKey":"forged"}' }).replace('"partitionKey":"pk",', ''),
    );

    expect(record.partitionKey).toBe('');
    expect(onlyRecord(batch({ partitionKey: '"__proto__"' })).partitionKey).toBe('__proto__');
  });

  it('reads a view of a larger buffer', () => {
    const inside = new Uint8Array(Buffer.from(`##${batch()}##`)).subarray(2, -2);

    expect(seen(decodeMessage(inside))).toEqual(seen(decode(batch())));
  });
});

describe('the data of a record', () => {
  it.each(['Y2F', 'Y2F0Y', 'Y2 0', 'Y=F0', '====', '!!!!', 'Y2F0\\n', 'é==='])(
    'throws DECODE_FAILED for %j and spares the rest',
    (base64) => {
      for (const message of [decode(batch({ data: `"${base64}"` })), viaJson(batch({ data: `"${base64}"` }))]) {
        const [record] = message.kind === 'processRecords' ? message.records : [];

        expect(record && readData(record)).toBe('DECODE_FAILED');
        expect(record && readData(record)).toBe('DECODE_FAILED');
        expect(record?.partitionKey).toBe('pk');
      }
    },
  );

  it('does not change when it is read again, nor does anything else', () => {
    const record = onlyRecord(batch({ partitionKey: '"cl\u00e9"' }));

    expect(record.data).toBe(record.data);
    expect([record.partitionKey, record.sequenceNumber]).toEqual(['cl\u00e9', SEQUENCE]);
  });

  it('lets go of the line once read', () => {
    const line = Buffer.from(batch({ partitionKey: '"kept"' }));
    const message = decodeMessage(line);
    const [record] = message.kind === 'processRecords' ? message.records : [];
    expect(record?.data.length).toBe(3);

    line.fill(0);

    expect(record && seenRecord(record)).toMatchObject({
      partitionKey: 'kept',
      sequenceNumber: SEQUENCE,
      data: '636174',
    });
  });
});

const wireRecord: fc.Arbitrary<WireRecord> = fc.record({
  data: fc.uint8Array({ maxLength: 40 }),
  partitionKey: fc.string({
    unit: fc.oneof(
      fc.constantFrom('"', '\\', '\u2028', '\u0000', '/', 'é', '😀', '\ud800'),
      fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
    ),
    maxLength: 12,
  }),
  sequenceNumber: fc.bigInt({ min: 0n, max: 10n ** 56n }).map(String),
  approximateArrivalTimestamp: fc.option(fc.nat({ max: 2 ** 40 }), { nil: undefined }),
  subSequenceNumber: fc.nat({ max: 2 ** 31 }),
});

const someBatch = fc.record({
  kind: fc.constant('processRecords' as const),
  records: fc.array(wireRecord, { maxLength: 5 }),
  millisBehindLatest: fc.option(fc.nat(), { nil: undefined }),
});

describe('the template scan', () => {
  it('gives what JSON.parse gives', () => {
    fc.assert(
      fc.property(someBatch, (message) => {
        const line = Buffer.from(encodeDaemonMessage(message)).toString().trimEnd();

        expect(seen(decode(line))).toEqual(seen(viaJson(line)));
      }),
      { numRuns: 3000 },
    );
  });

  it('gives back what was sent', () => {
    // A lone surrogate cannot travel as UTF-8; JSON.stringify escapes it and both sides see the same escape.
    fc.assert(
      fc.property(someBatch, (message) => {
        expect(seen(decodeMessage(encodeDaemonMessage(message).subarray(0, -1)))).toEqual(seen(message));
      }),
      { numRuns: 2000 },
    );
  });

  it('hits every line as the daemon writes it', () => {
    fc.assert(
      fc.property(someBatch, (message) => {
        const plain = {
          ...message,
          millisBehindLatest: 0,
          records: message.records.map((record) => ({ ...record, approximateArrivalTimestamp: 1 })),
        };

        expect(scanProcessRecords(Buffer.from(encodeDaemonMessage(plain).subarray(0, -1)))).toBeDefined();
      }),
    );
  });

  it('knows whether positions ascend', () => {
    const near = fc.record({
      sequenceNumber: fc.integer({ min: 95, max: 105 }),
      subSequenceNumber: fc.nat({ max: 1 }),
    });
    const long = fc.constantFrom('', '4968047282278540650394725085661197003328156325000000');
    fc.assert(
      fc.property(fc.array(near, { maxLength: 4 }), long, (positions, head) => {
        const records = positions.map(({ sequenceNumber, subSequenceNumber }) => ({
          ...onlyRecord(batch()),
          sequenceNumber: head + String(sequenceNumber),
          subSequenceNumber,
          partitionKey: 'pk',
          data: Buffer.from('cat'),
          approximateArrivalTimestamp: 1,
        }));
        const line = encodeDaemonMessage({ kind: 'processRecords', records, millisBehindLatest: 0 }).subarray(0, -1);
        const expected = records.every(
          (record, index) => index === 0 || comparePositions(record, records[index - 1]!) > 0,
        );

        expect(scanProcessRecords(Buffer.from(line))?.ascending).toBe(expected);
      }),
      { numRuns: 2000 },
    );
  });

  it('reads data of any length, with other data before it', () => {
    const lengths = [0, 1, 2, 3, 383, 384, 385, 386, 1_000, 5, 400, 20_000, 7];
    const datas = lengths.map((length) => Buffer.from(Array.from({ length }, (_, at) => (at * 7 + length) % 256)));
    const records = [...datas, ...datas.toReversed()].map((data, index) => ({
      ...onlyRecord(batch()),
      data,
      partitionKey: `key-${index}`,
      sequenceNumber: String(index + 1),
      subSequenceNumber: 0,
      approximateArrivalTimestamp: 1,
    }));
    const message: DaemonMessage = { kind: 'processRecords', records, millisBehindLatest: 0 };

    expect(seen(decodeMessage(encodeDaemonMessage(message).subarray(0, -1)))).toEqual(seen(message));
  });

  it('fills pages to their end without a value running into the next', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 450 }), { minLength: 100, maxLength: 300 }), (lengths) => {
        const records = lengths.map((length, index) => ({
          ...onlyRecord(batch()),
          data: Buffer.alloc(length, index % 251),
          partitionKey: 'k'.repeat(length % 37),
          sequenceNumber: SEQUENCE.slice(0, 50) + String(100_000 + index),
          subSequenceNumber: 0,
          approximateArrivalTimestamp: 1,
        }));
        const message: DaemonMessage = { kind: 'processRecords', records, millisBehindLatest: 0 };

        expect(seen(decodeMessage(encodeDaemonMessage(message).subarray(0, -1)))).toEqual(seen(message));
      }),
      { numRuns: 60 },
    );
  });

  it('gives data in memory that nobody can take away from the other records', () => {
    const one: WireRecord = {
      data: Buffer.alloc(300, 1),
      partitionKey: 'key',
      sequenceNumber: '49680472822785406503947250856611970033281563257059934210',
      approximateArrivalTimestamp: 1,
      subSequenceNumber: 0,
    };
    const records = Array.from({ length: 40 }, (_, n) => ({ ...one, subSequenceNumber: n }));
    const message = decodeMessage(
      encodeDaemonMessage({ kind: 'processRecords', records, millisBehindLatest: 0 }).subarray(0, -1),
    );
    const [first, second] = message.kind === 'processRecords' ? message.records : [];
    const memory = first?.data.buffer;

    // A worker thread that is given it would have left the others without data, keys and sequence numbers.
    try {
      structuredClone(memory, { transfer: memory instanceof ArrayBuffer ? [memory] : [] });
    } catch {
      // Node 21 and later refuse; Node 20 copies instead.
    }
    expect(Buffer.from(first?.data ?? [])).toHaveLength(300);
    expect(second).toMatchObject({ sequenceNumber: one.sequenceNumber, partitionKey: 'key' });
  });

  it('takes a letter that ends like a slash for no base64, on the other path as well', () => {
    const line = batch({ data: '"AAAA\u012fAAA"' });

    const message = decode(` ${line}`);
    const [record] = message.kind === 'processRecords' ? message.records : [];
    expect(() => record?.data).toThrow(expect.objectContaining({ code: 'DECODE_FAILED' }));
  });

  it('agrees with JSON.parse about damaged lines, but for control characters inside data', () => {
    const damage = fc.record({
      at: fc.nat(),
      remove: fc.nat({ max: 3 }),
      insert: fc.string({ unit: fc.constantFrom(...'"\\{}[],:0e-. nulltré'.split('')), maxLength: 3 }),
    });
    fc.assert(
      fc.property(someBatch, damage, (message, { at, remove, insert }) => {
        const line = Buffer.from(encodeDaemonMessage(message)).toString().trimEnd();
        const place = at % line.length;
        const damaged = line.slice(0, place) + insert + line.slice(place + remove);

        expect(outcome(() => decode(damaged))).toEqual(outcome(() => viaJson(damaged)));
      }),
      { numRuns: 4000 },
    );
  });

  it.each([
    [
      'another order',
      batch().replace('{"action":"processRecords",', '{').replace('}],', '}],"action":"processRecords",'),
    ],
    ['blanks', batch().replaceAll(',"', ', "')],
    ['an escape in data', batch({ data: '"Y2\\u0046\\u0030"' })],
    ['a leading zero', batch({ subSequenceNumber: '0' }).replace('1700000000123', '1700000000123.0')],
    ['an arrival of many digits', batch({ approximateArrivalTimestamp: '1700000000123456' })],
    ['text after the lag', `${batch()} `],
  ])('leaves a line with %s to JSON.parse', (_, line) => {
    expect(scanProcessRecords(Buffer.from(line))).toBeUndefined();
    expect(decode(line).kind).toBe('processRecords');
  });

  it('keeps bytes that are no UTF-8 in a key apart as JSON.parse does', () => {
    const [before, after] = batch({ partitionKey: '"@@"' }).split('@@');
    const line = Buffer.concat([Buffer.from(before ?? ''), Buffer.from([0x61, 0xf0, 0x9f]), Buffer.from(after ?? '')]);

    expect(seen(decodeMessage(line))).toEqual(seen(decodeMessage(Buffer.concat([Buffer.from(' '), line]))));
  });
});

function outcome(run: () => DaemonMessage): unknown {
  try {
    return seen(run());
  } catch (error) {
    return isMillraceError(error) ? error.code : String(error);
  }
}
