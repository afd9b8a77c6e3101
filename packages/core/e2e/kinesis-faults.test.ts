/** The daemon cannot read for a while, in each way in which Kinesis refuses: records wait, and none is lost or comes twice. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import type { AwsCall, AwsFault } from './support/aws-faults.js';
import { report } from './support/figures.js';
import { keysOutOfOrder, missing, repeated, strange, wrongCheckpoints } from './support/ledger.js';
import { Load, longestLag, untilMoving } from './support/load.js';
import { useWorlds } from './support/world.js';

const { startWorld } = useWorlds();

const SHARDS = 2;

const reads =
  (fault: AwsFault) =>
  ({ operation }: AwsCall): AwsFault =>
    operation === 'GetRecords' ? fault : undefined;

const PHASES: readonly (readonly [what: string, forMs: number, rule: (call: AwsCall) => AwsFault])[] = [
  ['throttled', 3_000, reads({ error: 'ProvisionedThroughputExceededException' })],
  ['expired iterators', 3_000, reads({ error: 'ExpiredIteratorException' })],
  ['internal failures', 3_000, reads({ error: 'InternalFailure', status: 500 })],
  ['broken connections', 3_000, reads('reset')],
  ['an outage of everything', 30_000, () => 'reset'],
];

it('loses and repeats nothing when Kinesis refuses, fails, breaks off, or is away', { timeout: 240_000 }, async () => {
  const world = await startWorld({ shards: SHARDS });
  const load = new Load(world);
  const worker = world.startWorker();
  await world.untilHandled(50);

  for (const [what, forMs, rule] of PHASES) {
    const before = world.kinesisFaults.count;
    world.kinesisFaults.use(rule);
    await sleep(forMs);
    const refused = world.kinesisFaults.count - before;
    world.kinesisFaults.use(undefined);
    const resumedMs = await untilMoving({ world, load }, { at: Date.now(), shards: SHARDS });
    report(`Kinesis: ${what}`, { refused, resumedMs });
    expect(refused, what).toBeGreaterThan(0);
    expect(worker.pids('java'), what).toHaveLength(1);
  }

  await load.stop();
  const stored = await world.untilAllHandled();
  expect(await worker.stop(), worker.tail()).toEqual({ code: 0, signal: null });
  const handled = world.handled();
  report('Kinesis: all of it', { records: stored.length, longestLagMs: longestLag(load, handled) });
  expect([missing(stored, handled), strange(stored, handled), keysOutOfOrder(handled)]).toEqual([[], [], []]);
  expect(repeated(handled)).toEqual([]);
  expect(wrongCheckpoints(await world.leases(), handled)).toEqual([]);
  expect(await worker.leftovers()).toEqual([]);
});
