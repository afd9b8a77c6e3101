/** Makes a scenario that goes wrong smaller while it still does: what is left is what it takes. */
import type { Scenario } from './scenario.js';

const ROUNDS_MAX = 20;

/** @param goesWrong - whether a smaller scenario still shows it. */
export async function shrink(
  scenario: Scenario,
  goesWrong: (smaller: Scenario) => Promise<boolean>,
): Promise<Scenario> {
  let smallest = scenario;
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    const before = smallest;
    for (let index = 0; ; index += 1) {
      const next = smallerOnes(smallest)[index];
      if (next === undefined) break;
      if (!(await goesWrong(next))) continue;
      smallest = next;
      index = -1;
    }
    if (smallest === before) break;
  }
  return smallest;
}

function smallerOnes(scenario: Scenario): readonly Scenario[] {
  if (scenario.kind === 'stream') return shorter(scenario.moves).map((moves) => ({ ...scenario, moves }));
  const { plan } = scenario;
  const fewer = shorter(plan.moves).map((moves) => ({ ...plan, moves }));
  const calmer = shorter(plan.behaviours)
    .filter(({ length }) => length > 0)
    .map((behaviours) => ({ ...plan, behaviours }));
  const plainer = [
    { ...plan, past: undefined },
    { ...plan, breaker: undefined },
    { ...plan, filterEvery: undefined },
    { ...plan, bisect: false },
    { ...plan, maxItems: undefined },
    { ...plan, maxWaitMs: undefined },
    { ...plan, perShard: undefined },
  ].filter((other) => JSON.stringify(other) !== JSON.stringify(plan));
  return [...fewer, ...calmer, ...plainer].map((smaller) => ({ kind: 'session', plan: smaller }));
}

/** The list without one of its entries. */
function shorter<T>(list: readonly T[]): T[][] {
  return list.map((_, index) => list.toSpliced(index, 1));
}
