/** PutRecords over the AWS SDK. */
import type { KinesisClient } from '@aws-sdk/client-kinesis';
import { ConfigurationError, MillraceError, toError } from '../../errors.js';
import { clientConfig, type KinesisConnection } from '../../local/kinesis-api.js';
import type { InputRecord } from './input-record.js';
import type { PutApi } from './send-batch.js';

export interface OpenPutApi extends PutApi {
  close(): void;
}

/**
 * @throws ConfigurationError with issue REGION_MISSING, MillraceError CREDENTIALS_MISSING; both say how to reach a stream
 * on this machine instead, which is what most people want who come here without AWS.
 */
export async function openPutApi(stream: string, connection: KinesisConnection): Promise<OpenPutApi> {
  const sdk = await import('@aws-sdk/client-kinesis');
  const client = new sdk.KinesisClient(await clientConfig(connection));
  try {
    await requireAccess(client);
  } catch (error) {
    client.destroy();
    throw error;
  }
  const name = stream.startsWith('arn:') ? { StreamARN: stream } : { StreamName: stream };
  return {
    async putRecords(records, abortSignal) {
      const Records = records.map((record: InputRecord) => ({ Data: record.data, PartitionKey: record.partitionKey }));
      const answer = await client.send(new sdk.PutRecordsCommand({ ...name, Records }), { abortSignal });
      // An answer that is shorter than the request would leave records unaccounted for: they count as refused.
      return records.map((_, index) => refusalOf(answer.Records?.[index]));
    },
    close: () => client.destroy(),
  };
}

interface Entry {
  readonly SequenceNumber?: string | undefined;
  readonly ErrorCode?: string | undefined;
  readonly ErrorMessage?: string | undefined;
}

function refusalOf(entry: Entry | undefined): string | undefined {
  if (entry?.ErrorCode !== undefined) return `${entry.ErrorCode}: ${entry.ErrorMessage ?? ''}`;
  return entry?.SequenceNumber === undefined ? 'no answer for the record' : undefined;
}

const LOCALLY =
  'To send to a stream on this machine, start `millrace dev <module>` and give the --endpoint that it prints';

async function requireAccess(client: KinesisClient): Promise<void> {
  await client.config.region().catch((cause: unknown) => {
    const message = `No endpoint was given and no AWS region is known. ${LOCALLY}. For AWS, give --region or set AWS_REGION.`;
    throw new ConfigurationError([{ code: 'REGION_MISSING', message, path: ['--region', toError(cause).name] }]);
  });
  await client.config.credentials().catch((cause: unknown) => {
    throw new MillraceError(
      'CREDENTIALS_MISSING',
      `No endpoint was given and no AWS credentials were found. ${LOCALLY}. For AWS, set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.`,
      { cause },
    );
  });
}
