/** Streams that change their shards under a worker. */
import { describe, expect, it } from 'vitest';
import type { AwsFault } from './support/aws-faults.js';
import {
  keysOutOfOrder,
  missing,
  outOfOrder,
  repeated,
  strange,
  wrongCheckpoints,
  type LedgerEntry,
} from './support/ledger.js';
import { until } from './support/until.js';
import { useWorlds, type World } from './support/world.js';

const KEYS = Array.from({ length: 24 }, (_, n) => `key-${n}`);
const { startWorld } = useWorlds();

it('a split and a merge while records flow: parents before children, every key in order, nothing twice', async () => {
  const world = await startWorld({ shards: 2 });
  const worker = world.startWorker();
  const flow = startFlow(world);
  await world.untilHandled(KEYS.length);
  const [, right = ''] = await world.split('shardId-000000000000');
  await untilServed(world, right);
  const [merged = ''] = await world.merge(right, 'shardId-000000000001');
  await untilServed(world, merged);
  await flow.stop();
  const stored = await world.untilAllHandled();

  const handled = world.handled();
  expect(stored.length).toBeGreaterThan(KEYS.length * 3);
  expect([missing(stored, handled), strange(stored, handled), repeated(handled)]).toEqual([[], [], []]);
  expect([outOfOrder(handled), keysOutOfOrder(handled)]).toEqual([[], []]);
  expect(await childrenBeforeParents(world, handled)).toEqual([]);
  expect(await worker.stop(), worker.tail()).toEqual({ code: 0, signal: null });
  expect(wrongCheckpoints(await world.leases(), world.handled())).toEqual([]);
  expect(await worker.leftovers()).toEqual([]);
});

describe('the end of a shard that cannot be checkpointed for a while', () => {
  it.each<[string, AwsFault, number]>([
    ['because DynamoDB throttles', { error: 'ProvisionedThroughputExceededException' }, 8_000],
    ['because DynamoDB refuses', { error: 'AccessDeniedException' }, 6_000],
    ['because connections break', 'reset', 6_000],
  ])('%s: the children wait, and start when it can', async (_, fault, troubleMs) => {
    const world = await startWorld({ shards: 1 });
    await world.put(KEYS.map((key, n) => ({ id: `note-${n}`, key })));
    const worker = world.startWorker({ checkpoint: 'record' });
    await world.untilHandled(KEYS.length);
    let firstMs: number | undefined;
    world.dynamoFaults.use(({ operation, table, body }) => {
      if (operation !== 'UpdateItem' || table !== world.name || !body.includes('"SHARD_END"')) return undefined;
      firstMs ??= performance.now();
      return fault;
    });
    const children = await world.split('shardId-000000000000');
    await world.put(KEYS.map((key, n) => ({ id: `note-${KEYS.length + n}`, key })));
    await until('the first refusal', () => firstMs !== undefined && performance.now() - firstMs > troubleMs);
    const meanwhile = world.handled();
    world.dynamoFaults.use(undefined);
    const stored = await world.untilAllHandled();

    const handled = world.handled();
    expect(meanwhile.filter(({ shardId }) => children.includes(shardId))).toEqual([]);
    expect([missing(stored, handled), strange(stored, handled), keysOutOfOrder(handled)]).toEqual([[], [], []]);
    // Every record had its checkpoint before the trouble began.
    expect(repeated(handled)).toEqual([]);
    expect(await worker.stop(), worker.tail()).toEqual({ code: 0, signal: null });
    expect(await worker.leftovers()).toEqual([]);
  });
});

/** A record for every key, again and again; of one key never two calls at once, so that its order is known. */
function startFlow(world: World): { stop(): Promise<void> } {
  let flowing = true;
  let next = 0;
  const ended = (async () => {
    while (flowing) {
      await world.put(KEYS.map((key, n) => ({ id: `note-${next + n}`, key })));
      next += KEYS.length;
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  })();
  return {
    stop: () => {
      flowing = false;
      return ended;
    },
  };
}

async function untilServed(world: World, shard: string): Promise<void> {
  await until(`records of ${shard}`, () => world.handled().some(({ shardId }) => shardId === shard), {
    last: () => world.describe(),
  });
}

/** Records of a child that were handled before the last one of a parent. */
async function childrenBeforeParents(world: World, handled: readonly LedgerEntry[]): Promise<readonly string[]> {
  const shards = await world.shards();
  return shards.flatMap(({ ShardId: child, ParentShardId, AdjacentParentShardId }) => {
    const parents = new Set([ParentShardId, AdjacentParentShardId]);
    const last = handled.findLastIndex(({ shardId }) => parents.has(shardId));
    return handled.flatMap(({ id, shardId }, index) => (shardId === child && index < last ? [id] : []));
  });
}
