/**
 * What is too large for a message or a record goes to S3, and a pointer to it into the message. The object is there
 * before the pointer is: a pointer never leads nowhere, and an object without a pointer is overwritten by the next try.
 */
import { MillraceError } from '../errors.js';
import type { DeadLetterEntry } from '../ports.js';
import type { Bucket } from './bucket.js';
import { formatEntry } from './entry-text.js';
import { objectKey, objectText, openCheckedBucket, type S3SinkDescription } from './s3-sink.js';

/**
 * What happens to a record that is too large. A record may have 1 MiB or more, and is longer by a third as base64, so
 * one of the two has to be said.
 */
export type TooLargeOptions =
  /** Such a record goes to S3, and a pointer to it into the message. */
  | { readonly overflow: S3SinkDescription; readonly tooLarge?: never }
  /** Such a record holds its shard until somebody mends it. */
  | { readonly tooLarge: 'hold'; readonly overflow?: never };

/** Told apart from what is parked in the bucket itself: here the message counts. */
const OVERFLOW_END = '.overflow.json';

export interface Pointer {
  readonly id: string;
  readonly bucket: string;
  readonly key: string;
}

export interface LetterLimit {
  /** `queue https://...` */
  readonly what: string;
  /** Of the text as UTF-8. */
  readonly bytesMax: number;
  readonly overflow: Bucket | undefined;
}

/** @throws MillraceError SINK_FAILED when neither was said, or the bucket cannot be reached. */
export async function openOverflow(
  { overflow, tooLarge }: Partial<TooLargeOptions>,
  { what, bytesMax }: Omit<LetterLimit, 'overflow'>,
): Promise<Bucket | undefined> {
  if (overflow !== undefined) return openCheckedBucket(overflow.place);
  if (tooLarge === 'hold') return undefined;
  throw new MillraceError(
    'SINK_FAILED',
    `The ${what} takes ${bytesMax} bytes, and a record can be longer with its base64 and its causes. Give overflow: s3({ bucket }) for those, or say tooLarge: 'hold' to let such a record hold its shard.`,
    { details: { what, bytesMax } },
  );
}

/** The text to send: the entry, or a pointer to where it was stored. */
export async function letterText(entry: DeadLetterEntry, limit: LetterLimit, signal: AbortSignal): Promise<string> {
  const text = formatEntry(entry);
  const bytes = Buffer.byteLength(text);
  if (bytes <= limit.bytesMax) return text;
  if (limit.overflow === undefined) throw tooLong(entry, bytes, limit);
  const key = objectKey(limit.overflow.place.prefix, entry, OVERFLOW_END);
  await limit.overflow.put(key, objectText(entry), signal);
  return formatPointer({ id: entry.id, bucket: limit.overflow.place.bucket, key });
}

export function formatPointer({ id, bucket, key }: Pointer): string {
  return JSON.stringify({ version: 1, id, overflow: { bucket, key } });
}

/** Undefined for everything else than a pointer. */
export function parsePointer(text: string): Pointer | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (!isObject(value) || value['version'] !== 1 || !isObject(value['overflow'])) return undefined;
    const { id } = value;
    const { bucket, key } = value['overflow'];
    return typeof id === 'string' && typeof bucket === 'string' && typeof key === 'string'
      ? { id, bucket, key }
      : undefined;
  } catch {
    // Not ours; the caller says so.
    return undefined;
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function tooLong({ id }: DeadLetterEntry, bytes: number, { what, bytesMax }: LetterLimit): MillraceError {
  return new MillraceError(
    'SINK_FAILED',
    `The record ${id} has ${bytes} bytes as a dead letter, and the ${what} takes ${bytesMax} (tooLarge: 'hold'). Give the sink overflow: s3({ bucket }) and start again: the record comes again.`,
    { details: { recordId: id, bytes, bytesMax } },
  );
}
