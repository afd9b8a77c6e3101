/** A dead letter as one line of JSON, the payload as base64, and back. Pure. */
import type { DeadLetterCause, DeadLetterEntry } from '../ports.js';
import { isPosition } from '../protocol/position.js';

const VERSION = 1;

/** One line without its line feed. */
export function formatEntry(entry: DeadLetterEntry): string {
  const { data, ...facts } = entry;
  const text = JSON.stringify({
    version: VERSION,
    ...facts,
    data: Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64'),
  });
  return text.replaceAll(REFUSED_BY_SQS, (character) => `\\u${character.charCodeAt(0).toString(16)}`);
}

/** JSON leaves these two as they are; they can only stand inside its strings, and mean the same as an escape. */
const REFUSED_BY_SQS = /[\uFFFE\uFFFF]/g;

/** Undefined for a line that holds no whole entry: torn by a crash, or not ours. */
export function parseEntry(line: string): DeadLetterEntry | undefined {
  const fields = parseObject(line);
  if (fields === undefined || fields['version'] !== VERSION) return undefined;
  const texts = ['id', 'stream', 'applicationName', 'consumer', 'shardId', 'sequenceNumber', 'partitionKey', 'data'];
  const numbers = ['subSequenceNumber', 'attempts', 'parkedAt'];
  const whole =
    texts.every((name) => typeof fields[name] === 'string') &&
    numbers.every((name) => typeof fields[name] === 'number');
  if (!whole || !Array.isArray(fields['causes'])) return undefined;
  // Every required field was looked at above; what may be missing is read as undefined.
  const { version: _, data, ...facts } = fields as unknown as StoredEntry;
  if (!isPosition(facts)) return undefined;
  return {
    ...facts,
    handler: facts.handler,
    approximateArrivalTimestamp: facts.approximateArrivalTimestamp,
    causes: facts.causes.map(({ name, code, message, stack }) => ({ name, code, message, stack })),
    data: new Uint8Array(Buffer.from(data, 'base64')),
  };
}

interface StoredEntry extends Omit<DeadLetterEntry, 'data' | 'causes'> {
  readonly version: number;
  readonly data: string;
  readonly causes: readonly DeadLetterCause[];
}

function parseObject(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    // Any object is a record of unknown fields.
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    // A torn line, which the reader counts.
    return undefined;
  }
}
