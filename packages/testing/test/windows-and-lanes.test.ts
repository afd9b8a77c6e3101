/** Consumers that run several records at once, or gather them: the bed's invariants hold for them, too. */
import {
  Concurrency,
  KinesisConsumer,
  OnRecord,
  OnWindow,
  type RecordContext,
  type WindowRecordContext,
} from '@millrace/core';
import { describe, expect, it } from 'vitest';
import '../src/vitest.js';
import { records } from '../src/record-builders.js';
import { testBed } from '../src/test-bed.js';

const order = records.json<{ customer: string; waitMs: number }>({ key: () => 'one key for all' });

@KinesisConsumer('orders', 'by-customer')
@Concurrency({ perShard: 4 })
class ByCustomer {
  readonly log: string[] = [];

  @OnRecord({
    decode: (bytes) => JSON.parse(Buffer.from(bytes).toString()) as { customer: string; waitMs: number },
    key: ({ customer }) => customer,
  })
  async handle({ customer, waitMs }: { customer: string; waitMs: number }, context: RecordContext): Promise<void> {
    this.log.push(`${customer} starts`);
    await context.sleep(waitMs);
    this.log.push(`${customer} ends`);
  }
}

@KinesisConsumer('orders', 'counts')
class Counts {
  static readonly emitted: number[] = [];

  @OnWindow({ everyMs: 60_000, state: () => 0, emit: (count) => void Counts.emitted.push(count) })
  count(_: unknown, context: WindowRecordContext<number>): void {
    context.state += 1;
  }
}

describe('lanes in a bed', () => {
  it('run beside each other by the key of the payload, and the checkpoint comes to the last record', async () => {
    await using bed = await testBed(ByCustomer);
    const delivered = bed
      .shard()
      .deliver(
        order({ customer: 'jo', waitMs: 1_000 }),
        order({ customer: 'li', waitMs: 10 }),
        order({ customer: 'jo', waitMs: 10 }),
      );
    await bed.idle();
    await bed.advance(6_000);
    bed.shard().heartbeat();
    await bed.idle();

    expect(bed.instance().log).toEqual(['jo starts', 'li starts', 'li ends', 'jo ends', 'jo starts', 'jo ends']);
    expect(bed).toHaveHandled(...delivered);
    expect(bed).toHaveLostNothing();
  });
});

describe('a window in a bed', () => {
  it('is emitted in a heartbeat when its time is over, and its records are handled then', async () => {
    await using bed = await testBed(Counts);
    const [first, second] = bed.shard().deliver(records.of({ n: 1 }), records.of({ n: 2 }));
    await bed.settle();
    expect(bed).not.toHaveHandled(first);

    await bed.advance(120_000);
    bed.shard().heartbeat();
    await bed.idle();
    expect(Counts.emitted).toEqual([2]);
    expect(bed).toHaveHandled(first, second);
    expect(bed).toHaveCheckpointed(second);
    expect(bed).toHaveLostNothing();
  });
});
