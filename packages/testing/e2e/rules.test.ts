/**
 * The rules of the daemon on Amazon's daemon itself: the same scenarios as on the bed, in memory (test/) and on processes
 * (slow/). One daemon serves many of them; those that end it have one of their own.
 */
import { expect, it } from 'vitest';
import { useWorlds } from '../../core/e2e/support/world.js';
import { play } from '../test/rules/stage.js';
import type { Rule, Seen } from '../test/rules/rule.js';
import { rules } from '../test/rules/rules.js';
import { DaemonApplication, type DaemonOptions } from './support/daemon-stage.js';

const { startWorld } = useWorlds();

/** Most of a group's time is waiting: for Java to come up, for leases, for the daemon to read again. */
const AT_ONCE = 3;

/** A machine that is busy renews many leases late, and a lease that is lost for a moment is another life of the child. */
const PATIENT = { failoverTimeMillis: 20_000, idleTimeBetweenReadsInMillis: 500 };

interface Group {
  readonly rules: readonly Rule[];
  readonly properties?: DaemonOptions['properties'];
}

type Results = ReadonlyMap<string, PromiseSettledResult<Seen>>;

const onDaemon = rules.filter(({ notOnDaemon }) => notOnDaemon === undefined);
let played: Promise<Results> | undefined;

it.each(onDaemon)('$id', async ({ id, scenario }) => {
  played ??= playAll();
  const result = (await played).get(id);
  if (result?.status === 'rejected') throw result.reason;
  expect(result?.value).toEqual(scenario.expected);
});

async function playAll(): Promise<Results> {
  const waiting = groups();
  const results = new Map<string, PromiseSettledResult<Seen>>();
  const playNext = async (): Promise<void> => {
    for (let group = waiting.shift(); group !== undefined; group = waiting.shift()) {
      const seen = await playTogether(group);
      group.rules.forEach(({ id }, index) => results.set(id, seen[index] ?? missing(id)));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, playNext));
  return results;
}

function groups(): Group[] {
  const has = (rule: Rule, kind: string): boolean => rule.scenario.moves.some((move) => move.kind === kind);
  const [killed, failing, restarting] = ['kill', 'failure', 'restart'].map((kind) =>
    onDaemon.filter((rule) => has(rule, kind)),
  ) as [Rule[], Rule[], Rule[]];
  const own = onDaemon.filter((rule) => rule.scenario.properties !== undefined || failing.includes(rule));
  const others = onDaemon.filter((rule) => ![...killed, ...restarting, ...own].includes(rule));
  return [
    { rules: others, properties: PATIENT },
    { rules: restarting, properties: PATIENT },
    // Without time to say goodbye: with it, the daemon that fails asks the other children for their last checkpoints first.
    ...own.map((rule) => ({
      rules: [rule],
      properties: { ...PATIENT, shutdownGraceMillis: 0, ...rule.scenario.properties },
    })),
    // The leases of the one that is killed have to expire.
    { rules: killed },
  ];
}

async function playTogether({ rules: together, properties }: Group): Promise<readonly PromiseSettledResult<Seen>[]> {
  const scenarios = together.map(({ scenario }) => scenario);
  const world = await startWorld({ shards: scenarios.flatMap(({ shards }) => shards).length });
  const application = await DaemonApplication.open(world, scenarios, properties === undefined ? {} : { properties });
  try {
    return await Promise.allSettled(
      scenarios.map((scenario) => {
        const playing = play(application.stageOf(scenario), scenario);
        // The others do not wait for one that has failed.
        playing.catch(() => application.leave());
        return playing;
      }),
    );
  } finally {
    await application.close();
  }
}

function missing(id: string): PromiseRejectedResult {
  return { status: 'rejected', reason: new Error(`${id} was not played.`) };
}
