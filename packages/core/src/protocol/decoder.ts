/** One line of the daemon to one message. Fields that are not known are ignored: a newer daemon may send more. */
import { MillraceError } from '../errors.js';
import type { DaemonMessage, WireRecord } from './messages.js';
import { isSequenceNumber } from './position.js';
import { scanProcessRecords } from './template-scan.js';
import { ParsedRecord } from './wire-record.js';

/**
 * Decodes a line as LineSplitter gives it; nothing of the line is needed afterwards.
 * Throws PROTOCOL_VIOLATION when it is no message of the protocol. Malformed base64 is no violation: it shows when that record's `data` are read.
 */
export function decodeMessage(line: Uint8Array): DaemonMessage {
  const buffer = Buffer.isBuffer(line) ? line : Buffer.from(line.buffer, line.byteOffset, line.byteLength);
  return scanProcessRecords(buffer) ?? decodeJson(buffer);
}

type Fields = Readonly<Record<string, unknown>>;

function decodeJson(line: Buffer): DaemonMessage {
  try {
    return toMessage(asObject(parseJson(line), 'The line'));
  } catch (error) {
    if (!(error instanceof Mismatch)) throw error;
    throw new MillraceError(
      'PROTOCOL_VIOLATION',
      `${error.message}. Check that only the MultiLangDaemon (KCL 2 or 3) writes to this worker's standard input.`,
      // The head of a line names its action and holds no payload in any message the daemon writes.
      { details: { lineBytes: line.length, startsWith: line.toString('latin1', 0, 32) } },
    );
  }
}

/** What is wrong with a line, before it becomes an error that says so to the user. */
class Mismatch extends Error {}

function parseJson(line: Buffer): unknown {
  try {
    return JSON.parse(line.toString('utf8'));
  } catch {
    // The parser's own message quotes the text, which may be a payload.
    throw new Mismatch(`A line of ${line.length} bytes is not JSON`);
  }
}

function toMessage(fields: Fields): DaemonMessage {
  const action = fieldOf(fields, 'action');
  switch (action) {
    case 'initialize':
      return {
        kind: 'initialize',
        shardId: required(text(fields, 'shardId'), 'shardId'),
        sequenceNumber: text(fields, 'sequenceNumber'),
        subSequenceNumber: subSequenceNumber(fields) ?? 0,
      };
    case 'processRecords':
      return {
        kind: 'processRecords',
        records: records(fields),
        millisBehindLatest: number(fields, 'millisBehindLatest'),
      };
    case 'checkpoint':
      return {
        kind: 'checkpoint',
        sequenceNumber: text(fields, 'sequenceNumber'),
        subSequenceNumber: subSequenceNumber(fields),
        error: text(fields, 'error'),
      };
    case 'shutdownRequested':
    case 'leaseLost':
    case 'shardEnded':
      return { kind: action };
    default:
      throw new Mismatch(
        typeof action === 'string' ? `The action "${action.slice(0, 40)}" is not known` : 'A message has no action',
      );
  }
}

function records(fields: Fields): WireRecord[] {
  const list = fieldOf(fields, 'records');
  if (list === null || list === undefined) return [];
  if (!Array.isArray(list)) throw new Mismatch('The field "records" is not a list');
  return list.map((entry: unknown) => toRecord(asObject(entry, 'A record')));
}

function toRecord(fields: Fields): WireRecord {
  const sequenceNumber = required(text(fields, 'sequenceNumber'), 'sequenceNumber');
  if (!isSequenceNumber(sequenceNumber)) throw new Mismatch('The sequenceNumber of a record is not a decimal number');
  return new ParsedRecord({
    base64: text(fields, 'data') ?? '',
    partitionKey: text(fields, 'partitionKey') ?? '',
    sequenceNumber,
    subSequenceNumber: subSequenceNumber(fields) ?? 0,
    approximateArrivalTimestamp: number(fields, 'approximateArrivalTimestamp'),
  });
}

function text(fields: Fields, name: string): string | undefined {
  const value = fieldOf(fields, name) ?? undefined;
  if (value === undefined || typeof value === 'string') return value;
  throw new Mismatch(`The field "${name}" is not a text`);
}

function number(fields: Fields, name: string): number | undefined {
  const value = fieldOf(fields, name) ?? undefined;
  if (value === undefined || (typeof value === 'number' && Number.isFinite(value))) return value;
  throw new Mismatch(`The field "${name}" is not a number`);
}

function subSequenceNumber(fields: Fields): number | undefined {
  const value = number(fields, 'subSequenceNumber');
  if (value === undefined || Number.isSafeInteger(value)) return value;
  throw new Mismatch('The field "subSequenceNumber" is not a whole number that can be held exactly');
}

function required(value: string | undefined, name: string): string {
  if (value === undefined) throw new Mismatch(`The field "${name}" is missing`);
  return value;
}

/** Own fields only, so that nothing inherited can pass for a field of the message. */
function fieldOf(fields: Fields, name: string): unknown {
  return Object.hasOwn(fields, name) ? fields[name] : undefined;
}

function asObject(value: unknown, what: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Mismatch(`${what} is not a JSON object`);
  // The check above is what the type says.
  return value as Fields;
}
