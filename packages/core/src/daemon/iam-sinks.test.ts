import { describe, expect, it } from 'vitest';
import { file } from '../dead-letter/file-sink.js';
import { fn } from '../dead-letter/function-sink.js';
import { kinesis } from '../dead-letter/kinesis-sink.js';
import { s3 } from '../dead-letter/s3-sink.js';
import { sqs } from '../dead-letter/sqs-sink.js';
import { defineConsumer, recordHandler } from '../definition/define-consumer.js';
import type { SinkDescription } from '../definition/definition.js';
import { sinkStatements } from './iam-sinks.js';

const home = { partition: 'aws', region: 'eu-west-1', account: '123456789012' };

/** The first is the consumer's, the others are a handler's each. */
function statements(first: SinkDescription, ...others: readonly SinkDescription[]) {
  const handlers = others.map((sink, index) =>
    recordHandler({ name: `h${index}`, when: () => true, handle: () => undefined, deadLetter: { sink } }),
  );
  const definition = defineConsumer({
    name: 'mailer',
    stream: 'orders',
    applicationName: 'mailer',
    create: () => ({}),
    deadLetter: { sink: first },
    handlers: [...handlers, recordHandler({ name: 'rest', otherwise: true, handle: () => undefined })],
  });
  return sinkStatements(definition, home).map(({ Sid, Action, Resource }) => [Sid, Action.join(' '), Resource]);
}

describe('the permissions of sinks', () => {
  it('are none for files and functions', () => {
    expect(
      statements(
        file({ directory: 'parked' }),
        fn('table', () => undefined),
      ),
    ).toEqual([]);
  });

  it('are for one bucket and one prefix', () => {
    expect(statements(s3({ bucket: 'parked', prefix: 'orders' }))).toEqual([
      ['FindBucketOfParked', 's3:ListBucket', 'arn:aws:s3:::parked'],
      ['ParkInBucket', 's3:PutObject', 'arn:aws:s3:::parked/orders/*'],
    ]);
  });

  it('take region and account of a queue from its URL, and those of its overflow with it', () => {
    const queueUrl = 'https://sqs.cn-north-1.amazonaws.com.cn/999999999999/parked.fifo';
    expect(statements(sqs({ queueUrl, overflow: s3({ bucket: 'large', region: 'cn-north-1' }) }))).toEqual([
      ['ParkInQueue', 'sqs:GetQueueAttributes sqs:SendMessage', 'arn:aws-cn:sqs:cn-north-1:999999999999:parked.fifo'],
      ['FindBucketOfParked', 's3:ListBucket', 'arn:aws-cn:s3:::large'],
      ['ParkInBucket', 's3:PutObject', 'arn:aws-cn:s3:::large/*'],
    ]);
  });

  it('name each statement once, and say nothing twice', () => {
    const bucket = s3({ bucket: 'a' });
    expect(statements(bucket, kinesis({ streamName: 'parked', overflow: bucket }), s3({ bucket: 'b' }))).toEqual([
      ['FindBucketOfParked', 's3:ListBucket', 'arn:aws:s3:::a'],
      ['ParkInBucket', 's3:PutObject', 'arn:aws:s3:::a/*'],
      [
        'ParkInStream',
        'kinesis:DescribeStreamSummary kinesis:PutRecord',
        'arn:aws:kinesis:eu-west-1:123456789012:stream/parked',
      ],
      ['FindBucketOfParked2', 's3:ListBucket', 'arn:aws:s3:::b'],
      ['ParkInBucket2', 's3:PutObject', 'arn:aws:s3:::b/*'],
    ]);
  });
});
