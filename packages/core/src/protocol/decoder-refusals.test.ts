/** What is said of a line that is no message of the daemon. */
import { describe, expect, it } from 'vitest';
import { decodeMessage } from './decoder.js';

const record = (fields: object): string => JSON.stringify({ action: 'processRecords', records: [fields] });
const HINT = "Check that only the MultiLangDaemon (KCL 2 or 3) writes to this worker's standard input.";

describe('a line that is refused', () => {
  it.each([
    ['A line of 8 bytes is not JSON', 'nonsense'],
    ['The line is not a JSON object', '[1]'],
    ['The line is not a JSON object', '"text"'],
    ['The line is not a JSON object', 'null'],
    ['The line is not a JSON object', '12345'],
    ['A message has no action', '{}'],
    ['A message has no action', '{"action":5}'],
    [`The action "${'d'.repeat(40)}" is not known`, `{"action":"${'d'.repeat(60)}"}`],
    ['The field "shardId" is missing', '{"action":"initialize"}'],
    ['The field "shardId" is not a text', '{"action":"initialize","shardId":1}'],
    ['The field "records" is not a list', '{"action":"processRecords","records":5}'],
    ['A record is not a JSON object', '{"action":"processRecords","records":[5]}'],
    ['The field "sequenceNumber" is missing', record({ data: 'e30=' })],
    ['The sequenceNumber of a record is not a decimal number', record({ sequenceNumber: 'LATEST' })],
    ['The field "data" is not a text', record({ sequenceNumber: '1', data: 5 })],
    [
      'The field "subSequenceNumber" is not a whole number that can be held exactly',
      record({ sequenceNumber: '1', subSequenceNumber: 1.5 }),
    ],
    [
      'The field "millisBehindLatest" is not a number',
      '{"action":"processRecords","records":[],"millisBehindLatest":"1"}',
    ],
    [
      'The field "millisBehindLatest" is not a number',
      '{"action":"processRecords","records":[],"millisBehindLatest":1e999}',
    ],
  ])('is told what it is not: %s', (what, line) => {
    let thrown: unknown;
    try {
      decodeMessage(Buffer.from(line));
    } catch (error) {
      thrown = error;
    }

    expect(thrown).toMatchObject({
      code: 'PROTOCOL_VIOLATION',
      message: `${what}. ${HINT}`,
      details: { lineBytes: line.length, startsWith: line.slice(0, 32) },
    });
  });

  it.each(['{"action":"processRecords"}', '{"action":"processRecords","records":null}'])(
    'is not a delivery of nothing: %s',
    (line) => {
      expect(decodeMessage(Buffer.from(line))).toMatchObject({ kind: 'processRecords', records: [] });
    },
  );
});
