/** Makes the moves of a plan on a bed, and brings the bed to its end when nothing is in the way any more. */
import { isMillraceError, MillraceError, type ErrorCode } from '@millrace/core';
import type { Move } from './moves.js';
import type { TestBed } from './test-bed.js';
import type { TestShard } from './test-shard.js';

/** A plan may leave a shard in a state that never comes to rest by itself: that is for the end to judge. */
const REST = { guardMs: 20, horizonMs: 600_000 };
/** What was taken for an outage is tried again every few seconds. */
const SETTLE_STEP_MS = 10_000;
const SETTLE_STEPS_MAX = 50;

/** A move that has nothing to act on does nothing: all shards have ended, or only one is there to merge. */
export async function playMove(bed: TestBed, move: Move): Promise<void> {
  switch (move.kind) {
    case 'wait':
      return bed.advance(move.ms);
    case 'settle':
      return bed.settle();
    case 'idle':
      return rest(bed);
    case 'stop':
      return bed.stop();
    case 'crash':
      return bed.shards.find(({ over }) => !over)?.crash();
    case 'recover':
      return recover(bed);
    case 'crashAt':
      return bed.crashAt(move.moment, move.nth);
    case 'failCheckpoints':
      return bed.checkpoints.fail(move.error, { times: move.times });
    case 'failSink':
      return bed.sink.fail({ times: move.times });
    case 'deliver':
    case 'redeliver':
    case 'heartbeat':
    case 'loseLease':
    case 'handOff':
    case 'split':
    case 'merge':
      return playOnShard(bed, move);
    default:
      return move satisfies never;
  }
}

async function playOnShard(bed: TestBed, move: Extract<Move, { readonly shard: number }>): Promise<void> {
  const shard = await openShard(bed, move.shard);
  // A crash that was ordered may have come in the meantime.
  if (shard?.acceptsRecords !== true) return;
  switch (move.kind) {
    case 'deliver':
      shard.deliver(...move.records);
      return;
    case 'redeliver':
      return shard.redeliver(...shard.delivered.slice(-move.count));
    case 'heartbeat':
      return shard.heartbeat();
    case 'loseLease':
      return shard.loseLease();
    case 'handOff':
      return shard.requestShutdown();
    case 'split':
      return ending(() => bed.split(shard.shardId));
    case 'merge': {
      const other = await openShard(bed, move.other);
      if (other === undefined || other === shard) return;
      return ending(() => bed.merge(shard.shardId, other.shardId));
    }
    default:
      move satisfies never;
  }
}

/**
 * Nothing fails any more: every shard that can go on does, until each record is settled or held.
 *
 * @throws EXPLORATION_FAILED naming records that nothing holds and that never settle.
 */
export async function finish(bed: TestBed): Promise<void> {
  recover(bed);
  for (const shard of bed.shards) if (isOpen(shard)) await awake(shard);
  await bed.idle();
  for (let step = 0; step < SETTLE_STEPS_MAX && unsettled(bed).length > 0; step += 1) await bed.advance(SETTLE_STEP_MS);
  const left = unsettled(bed);
  if (left.length === 0) return;
  throw new MillraceError(
    'EXPLORATION_FAILED',
    `${left.length} of ${bed.delivered.length} records never settle although nothing fails any more: ${left.join(', ')}. Does a handler wait for ever, or keep the handle of a deferred record?`,
  );
}

function unsettled(bed: TestBed): readonly string[] {
  const held = new Set(bed.shards.filter(({ status }) => status.held !== undefined).map(({ shardId }) => shardId));
  return bed.delivered.flatMap(({ id, shardId }) =>
    held.has(shardId) || bed.history.settled(id) !== undefined ? [] : [id],
  );
}

function recover(bed: TestBed): void {
  bed.callOffCrashes();
  bed.checkpoints.recover();
  bed.sink.recover();
}

async function openShard(bed: TestBed, number: number): Promise<TestShard | undefined> {
  const open = bed.shards.filter(isOpen);
  const shard = open[number % Math.max(1, open.length)];
  if (shard !== undefined) await awake(shard);
  return shard;
}

function isOpen(shard: TestShard): boolean {
  return shard.stored !== 'SHARD_END';
}

async function awake(shard: TestShard): Promise<void> {
  if (!shard.acceptsRecords) await shard.restart();
}

/** A parent that cannot end now, because a record is held or the process dies, has no children. */
function ending(reshard: () => Promise<unknown>): Promise<void> {
  return unless(['TEST_MISUSED', 'TEST_NOT_IDLE'], reshard);
}

function rest(bed: TestBed): Promise<void> {
  return unless(['TEST_NOT_IDLE'], () => bed.idle(REST));
}

/** Throws what these errors are not. */
async function unless(codes: readonly ErrorCode[], act: () => Promise<unknown>): Promise<void> {
  try {
    await act();
  } catch (error) {
    if (!codes.some((code) => isMillraceError(error, code))) throw error;
  }
}
