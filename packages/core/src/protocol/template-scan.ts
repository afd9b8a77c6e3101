/**
 * The fast way through a processRecords line. Jackson writes the fields in one order without blanks, so the line is a template with
 * holes: compare the fixed bytes, and copy what stands in the holes (record-scan.ts). JSON.parse of the same line is most
 * of a worker's CPU time. Whatever does not fit the template, however valid, gives undefined, and the decoder reads the line
 * with JSON.parse.
 *
 * One thing is looked at later than JSON.parse would: a control character inside `data` is told to whoever reads that record's data.
 */
import { NONE } from './line-cursor.js';
import { literal } from './literal.js';
import type { DaemonMessage, WireRecord } from './messages.js';
import { RecordScan } from './record-scan.js';
import { ScannedRecord } from './wire-record.js';

const HEAD = literal('{"action":"processRecords","records":[');
const LAG = literal('],"millisBehindLatest":');

const COMMA = 0x2c;
const CLOSING_BRACE = 0x7d;
const CLOSING_BRACKET = 0x5d;

type Batch = Extract<DaemonMessage, { kind: 'processRecords' }>;

/** The batch in this line, or undefined when the line is not written as the daemon writes it. */
export function scanProcessRecords(line: Buffer): Batch | undefined {
  const scan = new RecordScan(line);
  if (!scan.literal(HEAD)) return undefined;
  const records: WireRecord[] = [];
  if (line[scan.at] !== CLOSING_BRACKET) {
    do {
      if (!scan.record()) return undefined;
      records.push(new ScannedRecord(scan));
    } while (scan.byte(COMMA));
  }
  if (!scan.literal(LAG)) return undefined;
  const millisBehindLatest = scan.wholeNumber();
  if (millisBehindLatest === NONE || !scan.byte(CLOSING_BRACE) || scan.at !== line.length) return undefined;
  return { kind: 'processRecords', records, ascending: scan.ascending, millisBehindLatest };
}
