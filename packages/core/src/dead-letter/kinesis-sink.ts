/** Parks records in another Kinesis stream. Written only: nothing takes a record out of a stream again. */
import type { KinesisClient } from '@aws-sdk/client-kinesis';
import type { SinkContext, SinkDescription } from '../definition/definition.js';
import type { AwsPlace } from '../definition/parked-place.js';
import { MillraceError } from '../errors.js';
import type { DeadLetterEntry, DeadLetterSink } from '../ports.js';
import { awsFailure, awsPlace, clientOptions, type AwsCall, type AwsOptions } from './aws-connection.js';
import { GuardedSink } from './guarded-sink.js';
import { letterText, openOverflow, type TooLargeOptions } from './overflow.js';
import { CHECK_TIMEOUT_MS } from './s3-sink.js';

/** Name or ARN of the stream, and what happens to a record that no record there can hold. */
export type KinesisSinkOptions = AwsOptions & { readonly streamName: string } & TooLargeOptions;

/**
 * A dead-letter sink that puts each record, as a line of JSON, into another stream under the same partition key:
 * `@DeadLetter(kinesis({ streamName: 'orders-parked', tooLarge: 'hold' }))`. The command line cannot read it back: a
 * consumer of that stream does. The worker does not start when the stream cannot be reached. Writes reject with
 * SINK_FAILED.
 */
export function kinesis(options: KinesisSinkOptions): SinkDescription {
  const { streamName } = options;
  const place = awsPlace(options);
  const label = `kinesis ${streamName}`;
  return {
    sink: 'millrace.sink',
    label,
    durable: true,
    place: { kind: 'kinesis', streamName, ...place, overflow: options.overflow?.place },
    open: async (context) => {
      refuseOwnStream(options, context);
      return openSink(label, { streamName, ...place }, options);
    },
  };
}

interface StreamPlace extends AwsPlace {
  readonly streamName: string;
}

async function openSink(label: string, place: StreamPlace, options: Partial<TooLargeOptions>): Promise<DeadLetterSink> {
  const stream = await openStream(place);
  try {
    const bytesMax = await stream.recordBytesMax(AbortSignal.timeout(CHECK_TIMEOUT_MS));
    const what = `stream ${place.streamName}`;
    const overflow = await openOverflow(options, { what, bytesMax });
    const put = async (entry: DeadLetterEntry, signal: AbortSignal): Promise<void> => {
      const room = bytesMax - Buffer.byteLength(entry.partitionKey);
      await stream.put(await letterText(entry, { what, bytesMax: room, overflow }, signal), entry, signal);
    };
    const close = (): void => {
      stream.close();
      overflow?.close();
    };
    return new GuardedSink({ label, put, close });
  } catch (error) {
    stream.close();
    throw error;
  }
}

interface TargetStream {
  /** Of the data and the partition key together. */
  recordBytesMax(signal: AbortSignal): Promise<number>;
  put(text: string, entry: DeadLetterEntry, signal: AbortSignal): Promise<void>;
  close(): void;
}

const DEFAULT_RECORD_KIB = 1_024;

async function openStream(place: StreamPlace): Promise<TargetStream> {
  const sdk = await import('@aws-sdk/client-kinesis');
  const client: KinesisClient = new sdk.KinesisClient(await clientOptions(place));
  const { streamName } = place;
  const name = streamName.startsWith('arn:') ? { StreamARN: streamName } : { StreamName: streamName };
  const call = <T>(permission: string, answer: Promise<T>): Promise<T> =>
    answer.catch((error: unknown) => {
      throw awsFailure(error, callOn(place, permission));
    });
  return {
    async recordBytesMax(abortSignal) {
      const asked = client.send(new sdk.DescribeStreamSummaryCommand(name), { abortSignal });
      const { StreamDescriptionSummary: summary } = await call('kinesis:DescribeStreamSummary', asked);
      return (summary?.MaxRecordSizeInKiB ?? DEFAULT_RECORD_KIB) * 1_024;
    },
    async put(text, { partitionKey }, abortSignal) {
      const input = { ...name, Data: Buffer.from(text), PartitionKey: partitionKey };
      await call('kinesis:PutRecord', client.send(new sdk.PutRecordCommand(input), { abortSignal }));
    },
    close: () => client.destroy(),
  };
}

/** A consumer that parks into what it reads gets every parked record back, for ever. */
function refuseOwnStream(
  { streamName, region }: AwsOptions & { readonly streamName: string },
  context: SinkContext,
): void {
  const bare = (stream: string): string => stream.slice(stream.lastIndexOf('/') + 1);
  if (region !== undefined || bare(streamName) !== bare(context.stream)) return;
  throw new MillraceError(
    'SINK_FAILED',
    `The stream ${streamName} is the one that this consumer reads, so every parked record would come again. Park to another one.`,
    { details: { streamName } },
  );
}

function callOn({ streamName, endpoint }: StreamPlace, permission: string): AwsCall {
  return { what: `stream ${streamName}`, option: 'streamName', endpoint, permissions: [permission] };
}
