/** What can happen to a consumer while it runs: the moves of `explore`, as data, and how they are drawn. */
import fc, { type Arbitrary } from 'fast-check';
import { CRASH_MOMENTS, type CrashMoment } from './crash-moments.js';
import type { CheckpointFailure } from './fake-checkpoints.js';
import { records, type SingleRecord, type TestRecord } from './record-builders.js';

/** A shard is a number that counts round those that have not ended. */
export type Move =
  | { readonly kind: 'deliver'; readonly shard: number; readonly records: readonly TestRecord[] }
  | { readonly kind: 'redeliver'; readonly shard: number; readonly count: number }
  | { readonly kind: 'heartbeat' | 'loseLease' | 'handOff' | 'split'; readonly shard: number }
  | { readonly kind: 'merge'; readonly shard: number; readonly other: number }
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'settle' | 'idle' | 'crash' | 'stop' | 'recover' }
  | { readonly kind: 'crashAt'; readonly moment: CrashMoment; readonly nth: number }
  | { readonly kind: 'failCheckpoints'; readonly error: CheckpointFailure; readonly times: number }
  | { readonly kind: 'failSink'; readonly times: number };

export type MoveKind = Move['kind'];

const RECORDS_MAX = 6;
const WAIT_MS_MAX = 90_000;
const TIMES_MAX = 8;
/** More than any plan has shards; the remainder counts. */
const SHARD_MAX = 11;

const shard = fc.nat({ max: SHARD_MAX });
const times = fc.integer({ min: 1, max: TIMES_MAX });

/** How often each kind is drawn, and what of. */
const MOVES: { readonly [K in Exclude<MoveKind, 'deliver'>]: readonly [weight: number, arbitrary: Arbitrary<Move>] } = {
  redeliver: [1, fc.record({ kind: fc.constant('redeliver'), shard, count: fc.integer({ min: 1, max: 3 }) })],
  heartbeat: [1, ofShard('heartbeat')],
  loseLease: [1, ofShard('loseLease')],
  handOff: [1, ofShard('handOff')],
  split: [1, ofShard('split')],
  merge: [1, fc.record({ kind: fc.constant('merge'), shard, other: shard })],
  wait: [3, fc.record({ kind: fc.constant('wait'), ms: fc.nat({ max: WAIT_MS_MAX }) })],
  settle: [1, fc.constant({ kind: 'settle' })],
  idle: [1, fc.constant({ kind: 'idle' })],
  crash: [1, fc.constant({ kind: 'crash' })],
  stop: [1, fc.constant({ kind: 'stop' })],
  recover: [1, fc.constant({ kind: 'recover' })],
  crashAt: [
    2,
    fc.record({
      kind: fc.constant('crashAt'),
      moment: fc.constantFrom(...CRASH_MOMENTS),
      nth: fc.integer({ min: 1, max: 4 }),
    }),
  ],
  failCheckpoints: [
    1,
    fc.record({
      kind: fc.constant('failCheckpoints'),
      error: fc.constantFrom<CheckpointFailure>(
        'ThrottlingException',
        'KinesisClientLibDependencyException',
        'InvalidStateException',
        'IllegalArgumentException',
        'SomethingNew',
      ),
      times,
    }),
  ],
  failSink: [1, fc.record({ kind: fc.constant('failSink'), times })],
};

export const MOVE_KINDS: readonly MoveKind[] = ['deliver', ...(Object.keys(MOVES) as (keyof typeof MOVES)[])];

/** Plans of up to `maxMoves` moves of these kinds. */
export function plansOf(
  record: Arbitrary<TestRecord>,
  { kinds, maxMoves }: { readonly kinds: readonly MoveKind[]; readonly maxMoves: number },
): Arbitrary<readonly Move[]> {
  const drawn = kinds.flatMap((kind) => {
    if (kind === 'deliver') return [];
    const [weight, arbitrary] = MOVES[kind];
    return [{ weight, arbitrary }];
  });
  return fc.array(fc.oneof({ weight: 6, arbitrary: deliveries(record) }, ...drawn), { maxLength: maxMoves });
}

/** One line, as a person would tell it. */
export function describeMove(move: Move): string {
  switch (move.kind) {
    case 'deliver':
      return `deliver to shard ${move.shard}: ${move.records.map(describeRecord).join(', ')}`;
    case 'redeliver':
      return `redeliver the last ${move.count} of shard ${move.shard}`;
    case 'heartbeat':
    case 'loseLease':
    case 'handOff':
    case 'split':
      return `${move.kind} on shard ${move.shard}`;
    case 'merge':
      return `merge of shards ${move.shard} and ${move.other}`;
    case 'wait':
      return `wait ${move.ms} ms`;
    case 'settle':
    case 'idle':
    case 'crash':
    case 'stop':
    case 'recover':
      return move.kind;
    case 'crashAt':
      return `crash at '${move.moment}', time ${move.nth}`;
    case 'failCheckpoints':
      return `the next ${move.times} checkpoints fail with ${move.error}`;
    case 'failSink':
      return `the next ${move.times} writes to the sink fail`;
    default:
      return move satisfies never;
  }
}

function ofShard<K extends 'heartbeat' | 'loseLease' | 'handOff' | 'split'>(kind: K): Arbitrary<Move> {
  return fc.record({ kind: fc.constant(kind), shard });
}

/** One delivery in six is one aggregate of the KPL. */
function deliveries(record: Arbitrary<TestRecord>): Arbitrary<Move> {
  const batch = fc.array(record, { minLength: 1, maxLength: RECORDS_MAX });
  return fc
    .record({ shard, batch, aggregated: fc.nat({ max: 5 }).map((side) => side === 5) })
    .map(({ shard: to, batch: given, aggregated }) => ({
      kind: 'deliver',
      shard: to,
      records: aggregated && given.every(isSingle) ? [records.kpl(...given)] : given,
    }));
}

function isSingle(record: TestRecord): record is SingleRecord {
  return record.kind === 'single';
}

const SHOWN_CHARACTERS = 200;

function describeRecord(record: TestRecord): string {
  if (record.kind === 'kpl')
    return `an aggregate of ${record.records.map((part) => describeRecord({ kind: 'single', ...part })).join(' + ')}`;
  const text = new TextDecoder().decode(record.data);
  const shown = text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}...` : text;
  return `${shown} (key ${JSON.stringify(record.partitionKey)})`;
}
