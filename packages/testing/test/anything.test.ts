/**
 * Anything that can happen to a shard, in any order: whatever the script, nothing is lost and every invariant holds.
 * On failure fast-check prints the shortest script that it found.
 */
import {
  batchHandler,
  defineConsumer,
  isMillraceError,
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
import { records } from '../src/record-builders.js';
import { toHaveLostNothing } from '../src/shard-matchers.js';
import { testBed, type TestBed } from '../src/test-bed.js';

const RUNS = Number(process.env['MILLRACE_RUNS'] ?? 200);

type Deed =
  | { readonly kind: 'ok' | 'later' | 'never' | 'ask' | 'deferNow' | 'deferLater' | 'deferFail' | 'forget' | 'notMine' }
  | { readonly kind: 'sleep' | 'retryLater'; readonly ms: number }
  | { readonly kind: 'fail'; readonly times: number };

type Step =
  | { readonly kind: 'deliver'; readonly deeds: readonly (readonly [key: number, deed: Deed])[] }
  | { readonly kind: 'kpl'; readonly deeds: readonly (readonly [key: number, deed: Deed])[] }
  | { readonly kind: 'settle' | 'idle' | 'heartbeat' | 'crash' | 'loseLease' | 'handOff' | 'redeliver' | 'recover' }
  | { readonly kind: 'advance'; readonly ms: number }
  | { readonly kind: 'failCheckpoints'; readonly name: string; readonly times: number }
  | { readonly kind: 'failSink'; readonly times: number };

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
const deeds = fc.array(fc.tuple(fc.nat({ max: 2 }), deed), { minLength: 1, maxLength: 6 });
const javaName = fc.constantFrom(
  'ThrottlingException',
  'KinesisClientLibDependencyException',
  'InvalidStateException',
  'IllegalArgumentException',
  'SomethingNew',
);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('deliver' as const), deeds }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('kpl' as const), deeds }) },
  {
    weight: 5,
    arbitrary: fc.constantFrom<Step>(
      { kind: 'settle' },
      { kind: 'idle' },
      { kind: 'heartbeat' },
      { kind: 'crash' },
      { kind: 'loseLease' },
      { kind: 'handOff' },
      { kind: 'redeliver' },
      { kind: 'recover' },
    ),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('advance' as const), ms: fc.nat({ max: 90_000 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('failCheckpoints' as const),
      name: javaName,
      times: fc.integer({ min: 1, max: 8 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('failSink' as const), times: fc.integer({ min: 1, max: 8 }) }),
  },
);

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
      fc.asyncProperty(shape, fc.array(step, { maxLength: 12 }), async (how, script) => {
        const bed = await testBed(consumer(how), { properties: { maxInFlight: how.maxInFlight } });
        for (const each of script) await play(bed, each);
        bed.checkpoints.recover();
        bed.sink.recover();
        if (how.goodbye === 'stop') await bed.stop();
        if (how.goodbye === 'end') await untilEnded(bed, mustEnd(how, script));
        if (bed.delivered.length > 0) check(toHaveLostNothing(bed));
        await bed.dispose();
      }),
      { numRuns: RUNS },
    );
  },
  RUNS * 1_000,
);

/** Once nothing fails any more and nobody has to declare, release or mend anything, the shard reaches its end. */
function mustEnd(how: { checkpoint: unknown; then: string; sameKey: string }, script: readonly Step[]): boolean {
  const open = script.some(
    (each) => (each.kind === 'deliver' || each.kind === 'kpl') && each.deeds.some(([, { kind }]) => kind === 'forget'),
  );
  return !open && how.checkpoint !== 'manual' && how.then !== 'hold' && how.sameKey !== 'hold';
}

async function untilEnded(bed: TestBed, must: boolean): Promise<void> {
  const shard = bed.shard();
  if (!shard.acceptsRecords) await shard.restart();
  shard.end();
  await rest(bed);
  if (!must) return;
  // An outage that was taken for one is tried again every few seconds.
  for (let tries = 0; tries < 50 && shard.stored !== 'SHARD_END'; tries += 1) await bed.advance(10_000);
  if (shard.stored !== 'SHARD_END') throw new Error(`The shard never ended.\n${bed.timeline()}`);
}

async function play(bed: TestBed, each: Step): Promise<void> {
  const shard = bed.shard();
  if (!shard.acceptsRecords) await shard.restart();
  switch (each.kind) {
    case 'deliver':
      shard.deliver(...each.deeds.map(([key, what]) => records.of(what, `k-${key}`)));
      return;
    case 'kpl':
      shard.deliver(records.kpl(...each.deeds.map(([key, what]) => records.of(what, `k-${key}`))));
      return;
    case 'settle':
      return bed.settle();
    case 'idle':
      return rest(bed);
    case 'heartbeat':
      return shard.heartbeat();
    case 'crash':
      return shard.crash();
    case 'loseLease':
      return shard.loseLease();
    case 'handOff':
      return shard.requestShutdown();
    case 'redeliver':
      return shard.redeliver(...shard.delivered.slice(-3));
    case 'recover':
      bed.checkpoints.recover();
      return bed.sink.recover();
    case 'advance':
      return bed.advance(each.ms);
    case 'failCheckpoints':
      return bed.checkpoints.fail(each.name, { times: each.times });
    case 'failSink':
      return bed.sink.fail({ times: each.times });
    default:
      return each satisfies never;
  }
}

/** A script may leave a shard in a state that never comes to rest, a window full of forgotten handles for example. */
async function rest(bed: TestBed): Promise<void> {
  try {
    await bed.idle({ guardMs: 20, horizonMs: 600_000 });
  } catch (error) {
    if (!isMillraceError(error, 'TEST_NOT_IDLE')) throw error;
  }
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
