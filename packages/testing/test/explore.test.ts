import {
  defineConsumer,
  isMillraceError,
  recordHandler,
  type ConsumerDefinition,
  type RecordContext,
} from '@millrace/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { explore, type ExploreOptions } from '../src/explore.js';
import { records } from '../src/index.js';
import type { MoveKind } from '../src/moves.js';

interface Payment {
  readonly id: string;
  readonly customer: string;
}

const payment = records.json<Payment>({ key: ({ customer }) => customer });
const PAYMENTS = fc
  .record({ id: fc.uuid(), customer: fc.constantFrom('ann', 'bob', 'eve') })
  .map((each) => payment(each));

type Handle = (payment: Payment, context: RecordContext) => unknown;

function consumer(handle: Handle, more: Partial<Parameters<typeof defineConsumer>[0]> = {}): ConsumerDefinition {
  return defineConsumer({
    name: 'Ledger',
    stream: 'payments',
    applicationName: 'ledger',
    deadLetter: { sink: 'SINK' },
    ...more,
    handlers: [recordHandler({ name: 'charge', handle: (payload, context) => handle(payload as Payment, context) })],
  });
}

async function failureOf(definition: ConsumerDefinition, options: ExploreOptions): Promise<Error> {
  try {
    await explore(definition, options);
  } catch (error) {
    if (error instanceof Error) return error;
  }
  throw new Error('Nothing was found.');
}

describe('explore', () => {
  it('plays as many runs as it is asked for on a consumer that does its work', { timeout: 60_000 }, async () => {
    const runs = await explore(
      consumer(async (_, context) => context.sleep(10)),
      { records: PAYMENTS, runs: 60, limitMs: 50_000, world: () => ({ options: { shards: 2 } }) },
    );
    expect(runs).toBe(60);
  });

  it('finds an effect that is not idempotent, in few moves, and plays the find again', async () => {
    let sent: string[] = [];
    const appending = consumer(({ id }) => void sent.push(id));
    const options: ExploreOptions = {
      records: [payment({ id: 'p-1', customer: 'ann' })],
      runs: 500,
      world: () => {
        sent = [];
        return { check: (bed) => expect(sent).toHaveLength(bed.delivered.length) };
      },
    };

    const error = await failureOf(appending, options);

    expect(isMillraceError(error, 'EXPLORATION_FAILED')).toBe(true);
    const { replay } = (error as Error & { details: { replay: string } }).details;
    expect(error.message).toContain(`replay: '${replay}'`);
    // One delivery, and a move that makes it come again; now and then no step from three moves to two fails as well.
    expect(error.message).toMatch(/The plan, [2-4] moves:\n(?: {2}.*\n)*? {2}deliver to shard /);
    const again = await failureOf(appending, { ...options, replay });
    expect(again.message).toBe(error.message);
  });

  it('shortens a plan only as long as it fails in the same way', async () => {
    const thrown: string[] = [];
    const fail = (error: Error): never => {
      thrown.push(error.name);
      throw error;
    };
    const error = await failureOf(
      consumer(() => undefined),
      {
        records: PAYMENTS,
        runs: 500,
        moves: ['idle'],
        world: () => ({
          check: ({ delivered }) => {
            if (delivered.length > 3) fail(new RangeError('many'));
            // Whoever shortens the first find meets this one on the way.
            if (thrown.length > 0 && delivered.length > 0) fail(new TypeError('few'));
          },
        }),
      },
    );
    expect(thrown).toContain('TypeError');
    expect(error.cause).toBeInstanceOf(RangeError);
  });

  it('names the records that never settle', async () => {
    const forgetful = consumer((_, context) => void context.defer());
    const error = await failureOf(forgetful, { records: PAYMENTS, moves: ['idle'] });
    expect(error.message).toMatch(/^1 of 1 records never settle although nothing fails any more: shardId-0+:\d+:0\. /);
    expect(error.message).toContain('keep the handle of a deferred record?');
  });

  it('takes a record that is held for no loss', async () => {
    const holding = consumer(
      () => {
        throw new Error('never');
      },
      { retry: { attempts: 1, then: 'hold' } },
    );
    expect(await explore(holding, { records: PAYMENTS, runs: 10, moves: ['crash', 'idle'] })).toBe(10);
  });

  it('makes only the moves that it may', async () => {
    const error = await failureOf(
      consumer(() => undefined),
      {
        records: PAYMENTS,
        runs: 500,
        moves: ['crash'],
        world: () => ({
          check: (bed) =>
            expect(bed.history.entries.filter(({ kind }) => kind === 'daemonSent').length).toBeLessThan(8),
        }),
      },
    );
    const plan = error.message.slice(error.message.indexOf('The plan'), error.message.indexOf('What happened'));
    expect(plan.split('\n').slice(1, -1)).not.toHaveLength(0);
    for (const line of plan.split('\n').slice(1, -1)) expect(line).toMatch(/^ {2}(deliver to shard|crash$)/);
  });

  it('stops when its time is up', async () => {
    const runs = await explore(
      consumer(() => undefined),
      { records: PAYMENTS, runs: 1_000_000, limitMs: 200 },
    );
    expect(runs).toBeGreaterThan(0);
    expect(runs).toBeLessThan(1_000_000);
  });

  it.each([
    [{ records: [] }, 'has no records to deliver'],
    [{ records: PAYMENTS, replay: 'yesterday' }, 'not "yesterday"'],
    [{ records: PAYMENTS, moves: ['explode' as MoveKind] }, "knows no move 'explode'; it knows deliver, redeliver"],
  ])('refuses %o', async (options: ExploreOptions, why) => {
    const refused = explore(
      consumer(() => undefined),
      options,
    );
    await expect(refused).rejects.toMatchObject({ code: 'TEST_MISUSED', message: expect.stringContaining(why) });
  });
});
