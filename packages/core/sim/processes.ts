/** Plays ranges of seeds in processes of their own: a bug that blocks one does not block who looks for it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { text } from 'node:stream/consumers';
import type { SeedsRequest, SeedsResult } from './seeds.main.js';

/** Stacks cost a tenth of the time, and nobody reads them. */
const NODE_OPTIONS = ['--stack-trace-limit=0', '--max-semi-space-size=64'];

export interface Playing extends SeedsRequest {
  readonly program: string;
  /** Undefined when it did not end within this time: it was killed. */
  readonly withinMs: number;
}

export async function playProcess({ program, withinMs, ...request }: Playing): Promise<SeedsResult | undefined> {
  const child = spawn(process.execPath, [...NODE_OPTIONS, program, JSON.stringify(request)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), withinMs);
  const [output] = await Promise.all([text(child.stdout), once(child, 'close')]);
  clearTimeout(timer);
  return output === '' ? undefined : (JSON.parse(output) as SeedsResult);
}

/** The range in equal parts, as many at once as there are cores. */
export async function playRange(playing: Playing): Promise<SeedsResult> {
  const parts = Math.max(1, Math.min(availableParallelism(), playing.to - playing.from));
  const size = Math.ceil((playing.to - playing.from) / parts);
  const results = await Promise.all(
    Array.from({ length: parts }, async (_, index) => {
      const from = playing.from + index * size;
      const to = Math.min(playing.to, from + size);
      const result = await playProcess({ ...playing, from, to });
      if (result === undefined)
        throw new Error(`The seeds ${from} to ${to} were not played within ${playing.withinMs} ms.`);
      return result;
    }),
  );
  return results.reduce(sum);
}

function sum(a: SeedsResult, b: SeedsResult): SeedsResult {
  const situations = { ...a.situations };
  for (const [name, count] of Object.entries(b.situations)) situations[name] = (situations[name] ?? 0) + count;
  return { played: a.played + b.played, wrong: [...a.wrong, ...b.wrong], situations, events: a.events + b.events };
}
