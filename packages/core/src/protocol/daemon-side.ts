/**
 * The daemon's side of the protocol, for what stands in its place: the local engine, the testing package, the aws-kcl adapter.
 * It writes as the daemon writes, byte for byte, and reads as it reads: a line that the daemon would skip is no message here.
 */
import type { Action, DaemonMessage, WireRecord, WorkerMessage } from './messages.js';
import { isPosition } from './position.js';

/** Encodes a message as one line with its line feed, with the fields in the daemon's order and undefined as null. */
export function encodeDaemonMessage(message: DaemonMessage): Uint8Array {
  return Buffer.from(`${JSON.stringify(toFields(message))}\n`, 'utf8');
}

function toFields(message: DaemonMessage): object {
  switch (message.kind) {
    case 'initialize':
      return {
        action: message.kind,
        shardId: message.shardId,
        sequenceNumber: message.sequenceNumber ?? null,
        subSequenceNumber: message.subSequenceNumber,
      };
    case 'processRecords':
      return {
        action: message.kind,
        records: message.records.map(recordFields),
        millisBehindLatest: message.millisBehindLatest ?? null,
      };
    case 'checkpoint':
      return {
        action: message.kind,
        sequenceNumber: message.sequenceNumber ?? null,
        subSequenceNumber: message.subSequenceNumber ?? null,
        error: message.error ?? null,
      };
    case 'shutdownRequested':
    case 'leaseLost':
    case 'shardEnded':
      return { action: message.kind };
    default:
      return message satisfies never;
  }
}

function recordFields(record: WireRecord): object {
  const { data } = record;
  return {
    data: Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64'),
    partitionKey: record.partitionKey,
    sequenceNumber: record.sequenceNumber,
    approximateArrivalTimestamp: record.approximateArrivalTimestamp ?? null,
    subSequenceNumber: record.subSequenceNumber,
    action: 'record',
  };
}

const STATUS_FIELDS = new Set(['action', 'responseFor']);
const CHECKPOINT_FIELDS = new Set(['action', 'sequenceNumber', 'subSequenceNumber']);
const ACTIONS: ReadonlySet<unknown> = new Set<Action>([
  'initialize',
  'processRecords',
  'shutdownRequested',
  'leaseLost',
  'shardEnded',
]);

/**
 * Decodes a line of the worker. Undefined for a line the daemon would skip (not JSON, an unknown action or property) and for one that it
 * would only refuse later (a checkpoint at no position): a worker built on encodeMessage writes neither.
 */
export function decodeWorkerMessage(line: Uint8Array): WorkerMessage | undefined {
  const fields = parseFields(line);
  if (fields === undefined) return undefined;
  switch (fields['action']) {
    case 'status':
      return hasOnly(fields, STATUS_FIELDS) && isAction(fields['responseFor'])
        ? { kind: 'status', responseFor: fields['responseFor'] }
        : undefined;
    case 'checkpoint':
      return hasOnly(fields, CHECKPOINT_FIELDS) ? toCheckpoint(fields) : undefined;
    default:
      return undefined;
  }
}

function toCheckpoint(fields: Readonly<Record<string, unknown>>): WorkerMessage | undefined {
  const sequenceNumber = fields['sequenceNumber'] ?? undefined;
  const subSequenceNumber = fields['subSequenceNumber'] ?? undefined;
  if (sequenceNumber === undefined && subSequenceNumber === undefined)
    return { kind: 'checkpoint', target: 'SHARD_END' };
  if (typeof sequenceNumber !== 'string' || typeof subSequenceNumber !== 'number') return undefined;
  const target = { sequenceNumber, subSequenceNumber };
  return isPosition(target) ? { kind: 'checkpoint', target } : undefined;
}

function parseFields(line: Uint8Array): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(line.buffer, line.byteOffset, line.byteLength).toString('utf8'));
    // Any object is a record of unknown fields.
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    // The daemon skips what is not JSON, too.
    return undefined;
  }
}

function hasOnly(fields: object, allowed: ReadonlySet<string>): boolean {
  return Object.keys(fields).every((name) => allowed.has(name));
}

function isAction(value: unknown): value is Action {
  return ACTIONS.has(value);
}
