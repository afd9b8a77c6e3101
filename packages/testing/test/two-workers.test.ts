/** Two workers at once on the same shards: the older one has lost its leases, and does not know yet. */
import { defineConsumer, memoryStore, recordHandler, type RecordContext } from '@millrace/core';
import { describe, expect, it } from 'vitest';
import { check, records, testBed, toHaveCheckpointed, toHaveHandled, toHaveLostNothing } from '../src/index.js';

type Data = Parameters<typeof defineConsumer>[0];

function consumer(handle: (payload: unknown, context: RecordContext) => unknown, more: Partial<Data> = {}) {
  return defineConsumer({
    name: 'Shared',
    stream: 'shared',
    applicationName: 'shared',
    checkpoint: 'batch',
    ...more,
    handlers: [recordHandler({ name: 'note', handle: (payload, context) => void handle(payload, context) })],
  });
}

describe('a bed that takes over', () => {
  it('begins at what is stored; the other one stores nothing any more, and loses nothing', async () => {
    const ran: string[] = [];
    const by = (worker: string) => consumer((payload) => void ran.push(`${worker}: ${String(payload)}`));
    await using first = await testBed(by('first'));
    first.shard().deliver(records.of('a'));
    await first.idle();
    const [b] = first.shard().deliver(records.of('b'));

    await using second = await testBed(by('second'), { takesOver: first });
    await first.idle();
    await second.idle();

    // Both have run it: that is what overlap means.
    expect(ran.toSorted()).toEqual(['first: a', 'first: b', 'second: b']);
    check(toHaveHandled(second, b));
    check(toHaveCheckpointed(second.shard(), b));
    expect(first.shard().stored).not.toMatchObject({ sequenceNumber: b.sequenceNumber });
    expect(first.timeline()).toContain('failed: ShutdownException');
    for (const bed of [first, second]) check(toHaveLostNothing(bed));
  });

  it('goes on with the stream while the other one still gets records, and is told when it loses the lease', async () => {
    const ran: string[] = [];
    const by = (worker: string) => consumer((payload) => void ran.push(`${worker}: ${String(payload)}`));
    await using first = await testBed(by('first'));
    await using second = await testBed(by('second'), { takesOver: first });
    const [early] = first.shard().deliver(records.of('early'));
    const [late] = second.shard().deliver(records.of('late'));
    await first.settle();
    await second.idle();
    first.shard().loseLease();
    await first.idle();

    expect(BigInt(late.sequenceNumber)).toBeGreaterThan(BigInt(early.sequenceNumber));
    expect(first.shard().ended).toEqual({ kind: 'ended', why: 'leaseLost' });
    expect(first.shard().stored).toBeUndefined();
    check(toHaveCheckpointed(second.shard(), late));
    expect(second.clock).toBe(first.clock);
  });

  it('has the shards of the other one by their names, without those that have ended', async () => {
    await using first = await testBed(
      consumer(() => undefined),
      { shards: ['A', 'B'] },
    );
    first.shard('B').deliver(records.of(1));
    await first.idle();
    await first.split('A');

    await using second = await testBed(
      consumer(() => undefined),
      { takesOver: first },
    );
    await second.idle();

    expect(second.shards.map(({ name, shardId }) => [name, shardId])).toEqual(
      first.shards.slice(1).map(({ name, shardId }) => [name, shardId]),
    );
    expect(second.shard('B').stored).toEqual(first.shard('B').stored);
    const children = await second.split('B');
    expect(children.map(({ shardId }) => shardId.slice(-1))).toEqual(['4', '5']);
  });

  it('shares the store of idempotent handlers: one of both does it', async () => {
    const done: string[] = [];
    const once = defineConsumer({
      name: 'Once',
      stream: 'shared',
      applicationName: 'shared',
      checkpoint: 'batch',
      handlers: [
        recordHandler({
          name: 'pay',
          idempotent: { store: memoryStore() },
          handle: async (payload, context) => {
            await context.sleep(1_000);
            done.push(String(payload));
          },
        }),
      ],
    });
    await using first = await testBed(once);
    const [record] = first.shard().deliver(records.of('pay'));
    await first.settle();
    await using second = await testBed(once, { takesOver: first });
    await first.idle();
    await second.idle();

    expect(done).toEqual(['pay']);
    expect(second.history.settled(record.id)?.how).toBe('deduplicated');
  });

  it.each([
    [{ takesOver: { shards: [] } }, 'takesOver is a bed that testBed() has given'],
    [{ shards: 2 }, 'leave out shards and clock'],
  ])('refuses %o', async (options, why) => {
    await using first = await testBed(consumer(() => undefined));
    const opening = testBed(
      consumer(() => undefined),
      { takesOver: first, ...options },
    );
    await expect(opening).rejects.toMatchObject({ code: 'TEST_MISUSED', message: expect.stringContaining(why) });
  });
});
