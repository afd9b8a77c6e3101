import { describe, expect, it } from 'vitest';
import { DaemonReader } from './daemon-reader.js';

const read = (text: string, open = 'processRecords') => new DaemonReader().read(Buffer.from(text), open);

describe('DaemonReader', () => {
  it.each<[string, string, object[]]>([
    [
      'takes a status',
      '{"action":"status","responseFor":"processRecords"}\n',
      [{ kind: 'status', responseFor: 'processRecords' }],
    ],
    ['dies of null', 'null\n', [{ kind: 'fatal', why: 'null' }]],
    ['dies of null and more', ' null and more\n', [{ kind: 'fatal', why: 'null' }]],
    [
      'skips an unknown property',
      '{"action":"status","responseFor":"processRecords","traceId":"x"}\n',
      [{ kind: 'skipped' }],
    ],
    ['skips the field of the published text', '{"action":"checkpoint","checkpoint":"1"}\n', [{ kind: 'skipped' }]],
    ['skips other JSON', '42\n"x"\n[]\n{}\ntrue\n', Array.from({ length: 5 }, () => ({ kind: 'skipped' }))],
    ['skips text', 'hello\n', [{ kind: 'skipped' }]],
    [
      'executes a checkpoint with garbage behind it',
      '{"action":"checkpoint"} garbage\n',
      [{ kind: 'checkpoint', sequenceNumber: null, subSequenceNumber: null }],
    ],
    ['waits for a line feed', '{"action":"status","responseFor":"processRecords"}', []],
    [
      'ends lines at carriage returns and skips empty ones',
      '\r\n\r{"action":"checkpoint"}\r',
      [{ kind: 'checkpoint' }],
    ],
    [
      'loses a status that is glued to unfinished text',
      'progress 50%{"action":"status","responseFor":"processRecords"}\n',
      [{ kind: 'skipped' }],
    ],
  ])('%s', (_, text, expected) => {
    const readings = read(text);

    expect(readings).toHaveLength(expected.length);
    expect(readings).toMatchObject(expected);
  });

  it('dies of a status for another action', () => {
    expect(read('{"action":"status","responseFor":"initialize"}\n')).toMatchObject([{ kind: 'fatal' }]);
  });

  it('keeps unfinished text for the next read', () => {
    const reader = new DaemonReader();
    reader.read(Buffer.from('{"action":"che'), 'processRecords');

    expect(reader.unfinished).toBe('{"action":"che');
    expect(reader.read(Buffer.from('ckpoint"}\n'), 'processRecords')).toHaveLength(1);
  });
});
