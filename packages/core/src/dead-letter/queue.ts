/** The calls of the SQS API that parking and reading back need. The client is an optional package, loaded when a queue is opened. */
import type { SQSClient } from '@aws-sdk/client-sqs';
import { awsFailure, clientOptions, forOneRequest, loadClient, type AwsCall } from './aws-connection.js';
import type { AwsPlace } from '../definition/parked-place.js';

export interface QueueFacts {
  /** As the queue itself says: 256 KiB in older ones, up to 1 MiB. */
  readonly messageBytesMax: number;
}

export interface OutgoingMessage {
  readonly body: string;
  /** Of a FIFO queue only. */
  readonly fifo: { readonly groupId: string; readonly deduplicationId: string } | undefined;
}

export interface ReceivedMessage {
  readonly messageId: string;
  readonly receipt: string;
  readonly body: string;
}

export interface Queue {
  describe(signal: AbortSignal): Promise<QueueFacts>;
  send(message: OutgoingMessage, signal: AbortSignal): Promise<void>;
  /** Ten at most; none when nothing is visible now. */
  receive(visibilitySeconds: number, signal: AbortSignal): Promise<readonly ReceivedMessage[]>;
  /** 0 gives the messages back. Ten at most. @returns the receipts for which that failed. */
  hide(receipts: readonly string[], seconds: number, signal: AbortSignal): Promise<readonly string[]>;
  remove(receipt: string, signal: AbortSignal): Promise<void>;
  close(): void;
}

export interface QueuePlace extends AwsPlace {
  readonly queueUrl: string;
}

/** The largest message of queues that were made before they could hold 1 MiB. */
const OLD_MESSAGE_BYTES_MAX = 262_144;
/** Of one request. */
export const MESSAGES_MAX = 10;
const LONG_POLL_SECONDS = 2;

/** Nothing is called yet. @throws MillraceError DEPENDENCY_MISSING. */
export async function openQueue(place: QueuePlace): Promise<Queue> {
  const sdk = await loadClient('@aws-sdk/client-sqs', () => import('@aws-sdk/client-sqs'));
  const client: SQSClient = new sdk.SQSClient({
    ...(await clientOptions(place)),
    // The URL names the account; with an emulator its host is often one that only the emulator knows.
    ...(place.endpoint === undefined ? {} : { useQueueUrlAsEndpoint: false }),
  });
  const QueueUrl = place.queueUrl;
  const call = <T>(permission: string, answer: Promise<T>): Promise<T> =>
    answer.catch((error: unknown) => {
      throw awsFailure(error, callOn(place, permission));
    });
  return {
    async describe(signal) {
      const input = new sdk.GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['MaximumMessageSize'] });
      const answer = await call('sqs:GetQueueAttributes', client.send(input, forOneRequest(signal)));
      return { messageBytesMax: Number(answer.Attributes?.MaximumMessageSize ?? OLD_MESSAGE_BYTES_MAX) };
    },
    async send({ body: MessageBody, fifo }, signal) {
      const group =
        fifo === undefined ? {} : { MessageGroupId: fifo.groupId, MessageDeduplicationId: fifo.deduplicationId };
      const input = new sdk.SendMessageCommand({ QueueUrl, MessageBody, ...group });
      await call('sqs:SendMessage', client.send(input, forOneRequest(signal)));
    },
    async receive(VisibilityTimeout, signal) {
      const input = new sdk.ReceiveMessageCommand({
        QueueUrl,
        VisibilityTimeout,
        MaxNumberOfMessages: MESSAGES_MAX,
        WaitTimeSeconds: LONG_POLL_SECONDS,
      });
      const answer = await call('sqs:ReceiveMessage', client.send(input, forOneRequest(signal)));
      return (answer.Messages ?? []).map(({ MessageId = '', ReceiptHandle = '', Body = '' }) => ({
        messageId: MessageId,
        receipt: ReceiptHandle,
        body: Body,
      }));
    },
    async hide(receipts, VisibilityTimeout, signal) {
      const Entries = receipts.map((ReceiptHandle, index) => ({ Id: String(index), ReceiptHandle, VisibilityTimeout }));
      const input = new sdk.ChangeMessageVisibilityBatchCommand({ QueueUrl, Entries });
      const answer = await call('sqs:ChangeMessageVisibility', client.send(input, forOneRequest(signal)));
      return (answer.Failed ?? []).flatMap(({ Id }) => receipts[Number(Id)] ?? []);
    },
    async remove(ReceiptHandle, signal) {
      const input = new sdk.DeleteMessageCommand({ QueueUrl, ReceiptHandle });
      await call('sqs:DeleteMessage', client.send(input, forOneRequest(signal)));
    },
    close: () => client.destroy(),
  };
}

function callOn({ queueUrl, endpoint }: QueuePlace, permission: string): AwsCall {
  return { what: `queue ${queueUrl}`, option: 'queueUrl', endpoint, permissions: [permission] };
}
