/** Parks records as objects in S3, one for each. */
import type { SinkDescription } from '../definition/definition.js';
import type { S3Place } from '../definition/parked-place.js';
import type { DeadLetterEntry } from '../ports.js';
import { awsPlace, type AwsOptions } from './aws-connection.js';
import { openBucket, PARKED_END, type Bucket } from './bucket.js';
import { formatEntry } from './entry-text.js';
import { GuardedSink } from './guarded-sink.js';

export interface S3SinkOptions extends AwsOptions {
  readonly bucket: string;
  /** Keys begin with it and a slash. @defaultValue none */
  readonly prefix?: string;
}

/** What `s3` gives: a sink, and where others can put what is too large for them. */
export interface S3SinkDescription extends SinkDescription {
  readonly place: S3Place;
}

/** How long a start waits for an answer. */
export const CHECK_TIMEOUT_MS = 30_000;

/**
 * A dead-letter sink that stores each record as an object: `@DeadLetter(s3({ bucket: 'orders-parked' }))`. It needs the
 * package `@aws-sdk/client-s3`. Keys sort by arrival time; a record that is parked twice has the same key, so it is
 * there once. The worker does not start when the bucket cannot be reached. Writes reject with SINK_FAILED.
 */
export function s3(options: S3SinkOptions): S3SinkDescription {
  const place = s3Place(options);
  const label = `s3 ${place.bucket}/${place.prefix}`;
  return {
    sink: 'millrace.sink',
    label,
    durable: true,
    place,
    open: async () => {
      const bucket = await openCheckedBucket(place);
      const put = async (entry: DeadLetterEntry, signal: AbortSignal): Promise<void> => {
        await bucket.put(objectKey(place.prefix, entry, PARKED_END), objectText(entry), signal);
      };
      return new GuardedSink({ label, put, close: () => bucket.close() });
    },
  };
}

function s3Place({ bucket, prefix = '', ...connection }: S3SinkOptions): S3Place {
  const folder = prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/`;
  return { kind: 's3', bucket, prefix: folder, ...awsPlace(connection) };
}

/** @throws MillraceError SINK_FAILED when the bucket is not there, DEPENDENCY_MISSING. */
export async function openCheckedBucket(place: S3Place): Promise<Bucket> {
  const bucket = await openBucket(place);
  try {
    await bucket.check(AbortSignal.timeout(CHECK_TIMEOUT_MS));
    return bucket;
  } catch (error) {
    bucket.close();
    throw error;
  }
}

export function objectText(entry: DeadLetterEntry): string {
  return `${formatEntry(entry)}\n`;
}

/**
 * `<prefix><stream>/<application>/2026-03-01/10-00-00.123Z-<shard>-<sequence>-<sub-sequence>.parked.json`. By the arrival
 * time, which a record keeps, and not by the time of parking: so the same record always has the same key.
 */
export function objectKey(prefix: string, entry: DeadLetterEntry, end: string): string {
  const { stream, applicationName, shardId, sequenceNumber, subSequenceNumber } = entry;
  const arrivedAt = new Date(entry.approximateArrivalTimestamp ?? 0).toISOString();
  const [day = '', time = ''] = arrivedAt.replaceAll(':', '-').split('T');
  const name = [time, shardId, sequenceNumber, subSequenceNumber].join('-');
  return `${prefix}${keyPart(stream)}/${keyPart(applicationName)}/${day}/${keyPart(name)}${end}`;
}

/** Only what S3 calls safe in a key. */
function keyPart(text: string): string {
  return text.replaceAll(/[^\w!.*'()-]/g, '_');
}
