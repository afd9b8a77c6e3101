/**
 * One process of the simulator: plays seeds from a range and prints what came of them as one JSON object.
 * `node seeds.main.js '{"from":1,"to":1000}'`
 */
import { createHash } from 'node:crypto';
import { play, type Played } from './play.js';
import { scenarioOf } from './scenario.js';

export interface SeedsRequest {
  readonly from: number;
  /** Not played any more. */
  readonly to: number;
  /** Ends with so many seeds that went wrong. */
  readonly wrongMax: number;
  /** Plays each seed twice, and compares every event. */
  readonly twice: boolean;
}

export interface SeedsResult {
  readonly played: number;
  readonly wrong: readonly { readonly seed: number; readonly violations: readonly string[] }[];
  readonly situations: Readonly<Record<string, number>>;
  readonly events: number;
}

/** Sessions wait for hops of the event loop; many at once share them. */
const AT_ONCE = 40;
const STALLED_MS = 30_000;

async function playSeeds({ from, to, wrongMax, twice }: SeedsRequest): Promise<SeedsResult> {
  const situations = new Map<string, number>();
  const wrong: { seed: number; violations: readonly string[] }[] = [];
  const open = new Set<number>();
  let next = from;
  let played = 0;
  let events = 0;
  const stalled = setInterval(() => stop(), STALLED_MS);
  let before = -1;
  const print = (): void => {
    process.stdout.write(JSON.stringify({ played, wrong, situations: Object.fromEntries(situations), events }));
  };
  const stop = (): void => {
    if (played > before) {
      before = played;
      return;
    }
    for (const seed of open) wrong.push({ seed, violations: ['it does not come to an end'] });
    print();
    process.exit(0);
  };
  const lane = async (): Promise<void> => {
    while (next < to && wrong.length < wrongMax) {
      const seed = next++;
      open.add(seed);
      const result = await playSafely(seed);
      const violations = [...result.violations];
      if (twice && digestOf(result) !== digestOf(await playSafely(seed)))
        violations.push('it went otherwise the second time');
      open.delete(seed);
      played += 1;
      events += result.history.length;
      for (const situation of result.situations) situations.set(situation, (situations.get(situation) ?? 0) + 1);
      if (violations.length > 0) wrong.push({ seed, violations });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  clearInterval(stalled);
  return { played, wrong, situations: Object.fromEntries(situations), events };
}

async function playSafely(seed: number): Promise<Played> {
  try {
    return await play(scenarioOf(seed));
  } catch (error) {
    return { violations: [`it threw ${String(error)}`], situations: [], history: [] };
  }
}

function digestOf({ history, violations }: Played): string {
  return createHash('sha256')
    .update(JSON.stringify([history, violations]))
    .digest('hex');
}

const request = JSON.parse(process.argv[2] ?? '') as SeedsRequest;
const result = await playSeeds(request);
process.stdout.write(JSON.stringify(result));
process.exit(0);
