import { describe, expect, it } from 'vitest';
import { decodeWorkerMessage, encodeDaemonMessage } from './daemon-side.js';
import { encodeMessage } from './encoder.js';
import type { DaemonMessage, WorkerMessage } from './messages.js';

const textOf = (message: DaemonMessage) => Buffer.from(encodeDaemonMessage(message)).toString();
const decode = (line: string) => decodeWorkerMessage(Buffer.from(line));

describe('encodeDaemonMessage', () => {
  it('writes a batch byte for byte as the daemon does', () => {
    const record = {
      data: Buffer.from('cat'),
      partitionKey: 'clé/\u2028',
      sequenceNumber: '4959',
      approximateArrivalTimestamp: 17,
      subSequenceNumber: 0,
    };

    expect(textOf({ kind: 'processRecords', records: [record], millisBehindLatest: 0 })).toBe(
      '{"action":"processRecords","records":[{"data":"Y2F0","partitionKey":"clé/\u2028","sequenceNumber":"4959","approximateArrivalTimestamp":17,"subSequenceNumber":0,"action":"record"}],"millisBehindLatest":0}\n',
    );
  });

  it('writes what is unknown as null', () => {
    const record = {
      data: new Uint8Array(),
      partitionKey: '',
      sequenceNumber: '1',
      approximateArrivalTimestamp: undefined,
      subSequenceNumber: 0,
    };

    expect(textOf({ kind: 'processRecords', records: [record], millisBehindLatest: undefined })).toBe(
      '{"action":"processRecords","records":[{"data":"","partitionKey":"","sequenceNumber":"1","approximateArrivalTimestamp":null,"subSequenceNumber":0,"action":"record"}],"millisBehindLatest":null}\n',
    );
    expect(textOf({ kind: 'initialize', shardId: 's', sequenceNumber: undefined, subSequenceNumber: 0 })).toBe(
      '{"action":"initialize","shardId":"s","sequenceNumber":null,"subSequenceNumber":0}\n',
    );
    expect(
      textOf({ kind: 'checkpoint', sequenceNumber: undefined, subSequenceNumber: undefined, error: undefined }),
    ).toBe('{"action":"checkpoint","sequenceNumber":null,"subSequenceNumber":null,"error":null}\n');
    expect(textOf({ kind: 'leaseLost' })).toBe('{"action":"leaseLost"}\n');
  });
});

describe('decodeWorkerMessage', () => {
  it.each<WorkerMessage>([
    { kind: 'status', responseFor: 'processRecords' },
    { kind: 'checkpoint', target: 'SHARD_END' },
    { kind: 'checkpoint', target: { sequenceNumber: '123', subSequenceNumber: 4 } },
  ])('reads what a worker writes: %j', (message) => {
    expect(decodeWorkerMessage(encodeMessage(message))).toEqual(message);
  });

  it('reads explicit nulls as the argument-less checkpoint', () => {
    expect(decode('{"action": "checkpoint", "sequenceNumber": null, "subSequenceNumber": null}')).toEqual({
      kind: 'checkpoint',
      target: 'SHARD_END',
    });
  });

  it.each([
    'hello',
    'null',
    '[]',
    '42',
    '{}',
    '{"action":"status","responseFor":"processRecords","traceId":"x"}',
    '{"action":"status","responseFor":"checkpoint"}',
    '{"action":"status"}',
    '{"action":"checkpoint","checkpoint":"123"}',
    '{"action":"checkpoint","sequenceNumber":"123"}',
    '{"action":"checkpoint","sequenceNumber":"LATEST","subSequenceNumber":0}',
    '{"action":"checkpoint","sequenceNumber":1,"subSequenceNumber":0}',
    '{"action":"checkpoint","sequenceNumber":"1","subSequenceNumber":-1}',
    '{"action":"log"}',
  ])('takes %j for no message', (line) => {
    expect(decode(line)).toBeUndefined();
  });
});
