/**
 * Anything that can happen to a shard, in any order: whatever the script, nothing is lost and every invariant holds.
 * On failure fast-check prints the shortest script that it found.
 */
import {
  batchHandler,
  defineConsumer,
  NonRetryableError,
  recordHandler,
  RetryLaterError,
  type Batch,
  type ConsumerDefinition,
  type RecordContext,
} from '@millrace/core';
import fc from 'fast-check';
import { it } from 'vitest';
import { check } from '../src/matchers.js';
import { describeMove, MOVE_KINDS, plansOf, type Move } from '../src/moves.js';
import { playMove } from '../src/play-moves.js';
import { records } from '../src/record-builders.js';
import { toHaveLostNothing } from '../src/shard-matchers.js';
import { testBed, type TestBed } from '../src/test-bed.js';
import type { TestShard } from '../src/test-shard.js';

const RUNS = Number(process.env['MILLRACE_RUNS'] ?? 200);

type Deed =
  | { readonly kind: 'ok' | 'later' | 'never' | 'ask' | 'deferNow' | 'deferLater' | 'deferFail' | 'forget' | 'notMine' }
  | { readonly kind: 'sleep' | 'retryLater'; readonly ms: number }
  | { readonly kind: 'fail'; readonly times: number };

const deed: fc.Arbitrary<Deed> = fc.oneof(
  fc.constantFrom<Deed>(
    { kind: 'ok' },
    { kind: 'ok' },
    { kind: 'later' },
    { kind: 'never' },
    { kind: 'ask' },
    { kind: 'deferNow' },
    { kind: 'deferLater' },
    { kind: 'deferFail' },
    { kind: 'forget' },
    { kind: 'notMine' },
  ),
  fc.record({ kind: fc.constantFrom('sleep' as const, 'retryLater' as const), ms: fc.nat({ max: 20_000 }) }),
  fc.record({ kind: fc.constant('fail' as const), times: fc.integer({ min: 1, max: 6 }) }),
);
const record = fc.tuple(fc.nat({ max: 2 }), deed).map(([key, what]) => records.of(what, `k-${key}`));
const plans = plansOf(record, { kinds: MOVE_KINDS, maxMoves: 12 });

type Data = Parameters<typeof defineConsumer>[0];
const shape = fc.record({
  checkpoint: fc.constantFrom<NonNullable<Data['checkpoint']>>(
    'record',
    'batch',
    'manual',
    { everyMs: 5_000 },
    { everyRecords: 3 },
    { everyMs: 1_000, everyRecords: 2 },
  ),
  then: fc.constantFrom('deadLetter' as const, 'hold' as const, 'skip' as const),
  sameKey: fc.constantFrom('continue' as const, 'hold' as const),
  handler: fc.constantFrom('record' as const, 'any' as const, 'strict' as const),
  maxInFlight: fc.constantFrom(3, 10_000),
  goodbye: fc.constantFrom('stop' as const, 'end' as const, 'dispose' as const),
});

it(
  'loses nothing and keeps every invariant',
  async () => {
    await fc.assert(
      fc.asyncProperty(shape, plans, async (how, plan) => {
        const bed = await testBed(consumer(how), { properties: { maxInFlight: how.maxInFlight } });
        for (const move of plan) await playMove(bed, move);
        await playMove(bed, { kind: 'recover' });
        if (how.goodbye === 'stop') await bed.stop();
        if (how.goodbye === 'end') await untilEnded(bed, mustEnd(how, plan));
        if (bed.delivered.length > 0) check(toHaveLostNothing(bed));
        await bed.dispose();
      }),
      { numRuns: RUNS },
    );
  },
  RUNS * 1_000,
);

/** Once nothing fails any more and nobody has to declare, release or mend anything, every shard reaches its end. */
function mustEnd(how: { checkpoint: unknown; then: string; sameKey: string }, plan: readonly Move[]): boolean {
  const forgets = plan.some((move) => move.kind === 'deliver' && describeMove(move).includes('forget'));
  return !forgets && how.checkpoint !== 'manual' && how.then !== 'hold' && how.sameKey !== 'hold';
}

async function untilEnded(bed: TestBed, must: boolean): Promise<void> {
  const open = (): readonly TestShard[] => bed.shards.filter(({ stored }) => stored !== 'SHARD_END');
  for (const shard of open()) {
    if (!shard.acceptsRecords) await shard.restart();
    shard.end();
  }
  await playMove(bed, { kind: 'idle' });
  if (!must) return;
  // An outage that was taken for one is tried again every few seconds.
  for (let tries = 0; tries < 50 && open().length > 0; tries += 1) await bed.advance(10_000);
  if (open().length > 0) throw new Error(`${open().length} shards never ended.\n${bed.timeline()}`);
}

function consumer(how: {
  readonly checkpoint: NonNullable<Data['checkpoint']>;
  readonly then: 'deadLetter' | 'hold' | 'skip';
  readonly sameKey: 'continue' | 'hold';
  readonly handler: 'record' | 'any' | 'strict';
}): ConsumerDefinition {
  const { checkpoint, then, sameKey } = how;
  return defineConsumer({
    name: 'Anything',
    stream: 'anything',
    applicationName: 'anything',
    checkpoint,
    retry: { attempts: 3, initialDelayMs: 100, maxDelayMs: 5_000, timeoutMs: 8_000, then },
    deadLetter: { sink: 'SINK', sameKey },
    handlers: [
      how.handler === 'record'
        ? recordHandler({
            name: 'does',
            when: (payload) => Reflect.get(Object(payload), 'kind') !== 'notMine',
            handle: (payload, context) => doIt(payload as Deed, context),
          })
        : batchHandler({ name: 'does', order: how.handler, handle: (batch, { attempt }) => doAll(batch, attempt) }),
    ],
  });
}

async function doIt(what: Deed, context: RecordContext): Promise<void> {
  switch (what.kind) {
    case 'ok':
    case 'notMine':
      return;
    case 'later':
      await new Promise((resolve) => setImmediate(resolve));
      return;
    case 'never':
      throw new NonRetryableError('never');
    case 'ask':
      await context.checkpoint();
      return;
    case 'deferNow':
      context.defer().done();
      return;
    case 'deferLater': {
      const deferred = context.defer();
      void context.sleep(1_000).then(
        () => deferred.done(),
        () => undefined,
      );
      return;
    }
    case 'deferFail':
      context.defer().fail(new Error('flush failed'));
      return;
    case 'forget':
      context.defer();
      return;
    case 'sleep':
      await context.sleep(what.ms);
      return;
    case 'retryLater':
      if (context.attempt === 1) throw new RetryLaterError(what.ms);
      return;
    case 'fail':
      if (context.attempt <= what.times) throw new Error('not yet');
      return;
    default:
      what satisfies never;
  }
}

async function doAll(batch: Batch<unknown>, attempt: number): Promise<void> {
  await Promise.resolve();
  for (const item of batch) {
    const what = item.value as Deed;
    if (what.kind === 'never') item.fail(new NonRetryableError('never'));
    if (what.kind === 'retryLater' && attempt === 1) throw new Error('the whole batch');
    if (what.kind === 'fail' && attempt <= what.times) item.fail(new Error('not yet'));
  }
}
