/** Parks records as messages in an SQS queue. */
import { createHash } from 'node:crypto';
import type { SinkDescription } from '../definition/definition.js';
import type { DeadLetterEntry, DeadLetterSink } from '../ports.js';
import { awsPlace, type AwsOptions } from './aws-connection.js';
import { GuardedSink } from './guarded-sink.js';
import { letterText, openOverflow, type TooLargeOptions } from './overflow.js';
import { openQueue, type OutgoingMessage, type QueuePlace } from './queue.js';
import { CHECK_TIMEOUT_MS } from './s3-sink.js';

/** Where the queue is, and what happens to a record that no message can hold. */
export type SqsSinkOptions = AwsOptions & { readonly queueUrl: string } & TooLargeOptions;

/**
 * A dead-letter sink that sends each record to a queue, standard or FIFO:
 * `@DeadLetter(sqs({ queueUrl, overflow: s3({ bucket: 'orders-parked' }) }))`. It needs the package
 * `@aws-sdk/client-sqs`. A FIFO queue keeps the order of a partition key. The worker does not start when the queue or the
 * bucket cannot be reached. Writes reject with SINK_FAILED. SQS forgets messages after the queue's retention, 4 days by
 * default.
 */
export function sqs(options: SqsSinkOptions): SinkDescription {
  const place = { queueUrl: options.queueUrl, ...awsPlace(options) };
  const label = `sqs ${options.queueUrl}`;
  return {
    sink: 'millrace.sink',
    label,
    durable: true,
    place: { kind: 'sqs', ...place, overflow: options.overflow?.place },
    open: () => openSink(label, place, options),
  };
}

async function openSink(label: string, place: QueuePlace, options: Partial<TooLargeOptions>): Promise<DeadLetterSink> {
  const queue = await openQueue(place);
  try {
    const { messageBytesMax: bytesMax } = await queue.describe(AbortSignal.timeout(CHECK_TIMEOUT_MS));
    const what = `queue ${place.queueUrl}`;
    const overflow = await openOverflow(options, { what, bytesMax });
    const put = async (entry: DeadLetterEntry, signal: AbortSignal): Promise<void> => {
      const text = await letterText(entry, { what, bytesMax, overflow }, signal);
      await queue.send(toMessage(text, entry, place.queueUrl), signal);
    };
    const close = (): void => {
      queue.close();
      overflow?.close();
    };
    return new GuardedSink({ label, put, close });
  } catch (error) {
    queue.close();
    throw error;
  }
}

/** The queue's name says which kind it is. */
export function toMessage(text: string, entry: DeadLetterEntry, queueUrl: string): OutgoingMessage {
  const fifo = queueUrl.endsWith('.fifo')
    ? { groupId: groupOf(entry.partitionKey), deduplicationId: sha256(entry.id) }
    : undefined;
  return { body: text, fifo };
}

/** 128 letters, digits and ASCII punctuation at most: the key itself where it is that, so that people recognise it. */
function groupOf(partitionKey: string): string {
  return /^[!-~]{1,128}$/.test(partitionKey) ? partitionKey : sha256(partitionKey);
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
