/** The calls of the S3 API that parking and reading back need. The client is an optional package, loaded when a bucket is opened. */
import type { S3Client } from '@aws-sdk/client-s3';
import type { S3Place } from '../definition/parked-place.js';
import { awsFailure, clientOptions, forOneRequest, loadClient, type AwsCall } from './aws-connection.js';

export interface Bucket {
  readonly place: S3Place;
  /** @throws MillraceError SINK_FAILED when the bucket is not there or cannot be reached. */
  check(signal: AbortSignal): Promise<void>;
  put(key: string, text: string, signal: AbortSignal): Promise<void>;
  /** Undefined when there is no such object, or none any more. */
  get(key: string, signal: AbortSignal): Promise<string | undefined>;
  /** Keys of parked records below the prefix, in order. */
  keys(signal: AbortSignal): AsyncGenerator<string, void>;
  remove(key: string, signal: AbortSignal): Promise<void>;
  close(): void;
}

/** Nothing is called yet. @throws MillraceError DEPENDENCY_MISSING. */
export async function openBucket(place: S3Place): Promise<Bucket> {
  const sdk = await loadClient('@aws-sdk/client-s3', () => import('@aws-sdk/client-s3'));
  const client: S3Client = new sdk.S3Client({
    ...(await clientOptions(place)),
    // Emulators have no name for each bucket.
    forcePathStyle: place.endpoint !== undefined,
  });
  const Bucket = place.bucket;
  const call = <T>(permissions: readonly string[], answer: Promise<T>): Promise<T> =>
    answer.catch((error: unknown) => {
      throw awsFailure(error, callOn(place, permissions));
    });
  return {
    place,
    async check(signal) {
      await call(['s3:ListBucket'], client.send(new sdk.HeadBucketCommand({ Bucket }), forOneRequest(signal)));
    },
    async put(Key, Body, signal) {
      const input = { Bucket, Key, Body, ContentType: 'application/x-ndjson' };
      await call(['s3:PutObject'], client.send(new sdk.PutObjectCommand(input), forOneRequest(signal)));
    },
    async get(Key, signal) {
      const asked = client.send(new sdk.GetObjectCommand({ Bucket, Key }), forOneRequest(signal));
      const answer = await call(
        ['s3:GetObject', 's3:ListBucket'],
        asked.catch((error: unknown) => {
          if (error instanceof sdk.NoSuchKey) return undefined;
          throw error;
        }),
      );
      return answer?.Body?.transformToString();
    },
    async *keys(signal) {
      let ContinuationToken: string | undefined;
      do {
        const input = {
          Bucket,
          Prefix: place.prefix,
          ...(ContinuationToken === undefined ? {} : { ContinuationToken }),
        };
        const asked = client.send(new sdk.ListObjectsV2Command(input), forOneRequest(signal));
        const answer = await call(['s3:ListBucket'], asked);
        for (const { Key } of answer.Contents ?? []) if (Key?.endsWith(PARKED_END) === true) yield Key;
        ContinuationToken = answer.NextContinuationToken;
      } while (ContinuationToken !== undefined);
    },
    async remove(Key, signal) {
      await call(['s3:DeleteObject'], client.send(new sdk.DeleteObjectCommand({ Bucket, Key }), forOneRequest(signal)));
    },
    close: () => client.destroy(),
  };
}

/** What else lies below the prefix is no parked record by itself: it is somebody else's, or a message points to it. */
export const PARKED_END = '.parked.json';

function callOn({ bucket, endpoint }: S3Place, permissions: readonly string[]): AwsCall {
  return { what: `bucket ${bucket}`, option: 'bucket', endpoint, permissions };
}
