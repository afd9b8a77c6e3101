import { describe, expectTypeOf, it } from 'vitest';
import { kinesis } from '../src/dead-letter/kinesis-sink.js';
import { s3 } from '../src/dead-letter/s3-sink.js';
import { sqs } from '../src/dead-letter/sqs-sink.js';
import type { BatchContext, RecordContext } from '../src/definition/context.js';
import type { SinkInput } from '../src/definition/handler-options.js';

const queueUrl = 'https://sqs.eu-west-1.amazonaws.com/123456789012/parked';

describe('sinks', () => {
  it('want to be told what happens to a record that is too large', () => {
    expectTypeOf(sqs({ queueUrl, overflow: s3({ bucket: 'large' }) })).toExtend<SinkInput>();
    expectTypeOf(sqs({ queueUrl, tooLarge: 'hold' })).toExtend<SinkInput>();
    // @ts-expect-error -- neither was said
    sqs({ queueUrl });
    // @ts-expect-error -- both were said
    sqs({ queueUrl, tooLarge: 'hold', overflow: s3({ bucket: 'large' }) });
    // @ts-expect-error -- neither was said
    kinesis({ streamName: 'parked' });
    // @ts-expect-error -- only a bucket holds any size
    kinesis({ streamName: 'parked', overflow: sqs({ queueUrl, tooLarge: 'hold' }) });
  });
});

it('handlers are told that a record is replayed', () => {
  expectTypeOf<RecordContext['replayed']>().toEqualTypeOf<boolean>();
  expectTypeOf<BatchContext['replayed']>().toEqualTypeOf<boolean>();
});
