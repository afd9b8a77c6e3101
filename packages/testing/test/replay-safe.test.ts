import { defineConsumer, isMillraceError, recordHandler, type RecordContext } from '@millrace/core';
import { describe, expect, it } from 'vitest';
import { records, replaySafe, testBed } from '../src/index.js';

interface Payment {
  readonly id: string;
}

const payment = records.json<Payment>({ key: ({ id }) => id });
const BATCHES = [[payment({ id: 'a' }), payment({ id: 'b' })], [payment({ id: 'c' })]];

function consumer(handle: (payment: Payment, context: RecordContext) => unknown) {
  return defineConsumer({
    name: 'Ledger',
    stream: 'payments',
    applicationName: 'ledger',
    checkpoint: 'batch',
    handlers: [recordHandler({ name: 'charge', handle: (payload, context) => handle(payload as Payment, context) })],
  });
}

describe('replaySafe', () => {
  it('passes a consumer whose effects are keyed, at every moment at which it can die', async () => {
    let rows = new Map<string, string>();
    const keyed = consumer(async ({ id }, { record }) => {
      await Promise.resolve();
      rows.set(record.id, id);
    });

    const crashes = await replaySafe(keyed, {
      deliver: BATCHES,
      world: () => {
        rows = new Map();
        return { look: () => [...rows.values()] };
      },
    });

    // Two batches: each is delivered, checkpointed and acknowledged, and so is initialize; three records in four moments each.
    expect(crashes).toBeGreaterThanOrEqual(2 + 3 * 3 + 2 * 3 + 3);
  });

  it('says where an effect happens twice, what the world is then, and what happened', async () => {
    let sent: string[] = [];
    const appending = consumer(({ id }) => void sent.push(id));

    const error: unknown = await replaySafe(appending, {
      deliver: BATCHES,
      world: () => {
        sent = [];
        return { look: () => [...sent] };
      },
      moments: ['handlerEnded'],
    }).catch((thrown: unknown) => thrown);

    expect(isMillraceError(error, 'NOT_REPLAY_SAFE')).toBe(true);
    expect((error as Error).message).toContain("dies at 'handlerEnded' for the 1st time");
    expect((error as Error).message).toContain("Undisturbed: [ 'a', 'b', 'c' ]");
    expect((error as Error).message).toContain("After the crash: [ 'a', 'a', 'b', 'c' ]");
    expect((error as Error).message).toMatch(/worker: .*checkpoint/);
  });

  it('refuses a comparison of nothing', async () => {
    const nothing = replaySafe(
      consumer(() => undefined),
      { deliver: [[]], world: () => ({ look: () => 0 }), moments: ['parked'] },
    );
    await expect(nothing).rejects.toMatchObject({ code: 'TEST_MISUSED' });
  });
});

describe('bed.crashAt', () => {
  it('delivers again what no checkpoint covers, and no more', async () => {
    const ran: string[] = [];
    await using bed = await testBed(consumer(({ id }) => void ran.push(id)));
    bed.crashAt('handlerEnded', 3);
    const [first, second] = bed.shard().deliver(payment({ id: 'a' }), payment({ id: 'b' }));
    await bed.idle();
    bed.shard().deliver(payment({ id: 'c' }), payment({ id: 'd' }));
    await bed.idle();

    expect(ran).toEqual(['a', 'b', 'c', 'c', 'd']);
    expect(bed.history.settled(first.id)?.how).toBe('handled');
    expect(bed.history.settled(second.id)?.how).toBe('handled');
    expect(bed.history.events('sessionStarted')).toHaveLength(2);
  });

  it.each(['checkpointStored', 'checkpointAnswered', 'acknowledged'] as const)(
    'at %s leaves nothing to do for the next process',
    async (moment) => {
      const ran: string[] = [];
      await using bed = await testBed(consumer(({ id }) => void ran.push(id)));
      // The first acknowledgement was that of initialize.
      bed.crashAt(moment);
      bed.shard().deliver(payment({ id: 'a' }));
      await bed.idle();

      expect(ran).toEqual(['a']);
      expect(bed.shard().stored).toMatchObject({ subSequenceNumber: 0 });
    },
  );
});
