import { describe, expect, it } from 'vitest';
import { readWorkerLine } from './worker-line.js';

describe('a line of the worker, as the daemon reads it', () => {
  it.each([
    ['{"action":"status","responseFor":"initialize"}', { kind: 'status', responseFor: 'initialize' }],
    ['{"responseFor":"x\\"}{","action":"status"}', { kind: 'status', responseFor: 'x"}{' }],
    ['{"action":"status"}', { kind: 'status', responseFor: undefined }],
    [
      '{"action":"checkpoint","sequenceNumber":"7","subSequenceNumber":2}',
      { kind: 'checkpoint', sequenceNumber: '7', subSequenceNumber: 2 },
    ],
    [
      '{"action":"checkpoint","sequenceNumber":"7"}',
      { kind: 'checkpoint', sequenceNumber: '7', subSequenceNumber: undefined },
    ],
    ['{"action":"checkpoint"}', { kind: 'checkpoint', sequenceNumber: undefined, subSequenceNumber: undefined }],
    [
      '{"action": "checkpoint", "sequenceNumber": null, "subSequenceNumber": null}',
      { kind: 'checkpoint', sequenceNumber: undefined, subSequenceNumber: undefined },
    ],
    [
      '{"action":"checkpoint","sequenceNumber":7,"subSequenceNumber":"2"}',
      { kind: 'checkpoint', sequenceNumber: '7', subSequenceNumber: 2 },
    ],
    [
      '{"action":"checkpoint","sequenceNumber":"7","subSequenceNumber":-1}',
      { kind: 'checkpoint', sequenceNumber: '7', subSequenceNumber: -1 },
    ],
    // The daemon's own answers have this field, and its requests are of the same class.
    [
      '{"action":"checkpoint","sequenceNumber":"7","error":"x"}',
      { kind: 'checkpoint', sequenceNumber: '7', subSequenceNumber: undefined },
    ],
    // What follows the first value is ignored.
    ['{"action":"status","responseFor":"leaseLost"} and more', { kind: 'status', responseFor: 'leaseLost' }],
    ['null', { kind: 'null' }],
    [' null ', { kind: 'null' }],
    ['null and more', { kind: 'null' }],
  ])('%s is a message', (line, message) => {
    expect(readWorkerLine(line)).toEqual(message);
  });

  it.each([
    'hello',
    'undefined',
    'nullable',
    '42',
    'true',
    '"x"',
    '[]',
    '{}',
    '   ',
    '{"action":"status","responseFor":"initialize"',
    '{"action":status}',
    '{"action":"checkpoint","checkpoint":"7"}',
    '{"action":"status","responseFor":"initialize","traceId":"x"}',
    '{"action":"initialize"}',
    '{"action":"toString"}',
    '{"action":7}',
    '{"level":"info","msg":"started"}',
    '{"action":"status","responseFor":{}}',
    '{"action":"checkpoint","sequenceNumber":[]}',
    '{"action":"checkpoint","error":{}}',
    '{"action":"checkpoint","sequenceNumber":"7","subSequenceNumber":"two"}',
  ])('%s is skipped', (line) => {
    expect(readWorkerLine(line)).toMatchObject({ kind: 'skipped' });
  });
});
