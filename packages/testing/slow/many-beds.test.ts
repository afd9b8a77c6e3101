/** A thousand beds in one process: nothing stays open, and memory comes back. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const program = (module: string): string => `
  import { defineConsumer, recordHandler } from '@millrace/core';
  import { records, testBed } from ${JSON.stringify(module)};
  const consumer = defineConsumer({
    name: 'Orders', stream: 'orders', applicationName: 'orders-app',
    handlers: [recordHandler({ name: 'placed', handle: () => undefined })],
  });
  const live = async () => {
    const bed = await testBed(consumer);
    bed.shard().deliver(records.of({ id: 1 }), records.of({ id: 2 }));
    await bed.idle();
    await bed.dispose();
  };
  for (let bed = 0; bed < 1_000; bed += 1) await live(); // until the heap has its size
  const seen = () => {
    gc();
    const { rss, heapUsed } = process.memoryUsage();
    return { rss, heapUsed, handles: process.getActiveResourcesInfo().length };
  };
  const rounds = [];
  for (let round = 0; round < 3; round += 1) {
    const before = seen();
    for (let bed = 0; bed < 1_000; bed += 1) await live();
    const after = seen();
    rounds.push({
      rss: after.rss - before.rss,
      heap: after.heapUsed - before.heapUsed,
      handles: after.handles - before.handles,
    });
  }
  console.log(JSON.stringify(rounds));
`;

it('grows by less than 20 MB in a thousand beds, and leaves no handle', async () => {
  const folder = fileURLToPath(new URL('..', import.meta.url));
  const code = program(new URL('../dist/index.js', import.meta.url).href);
  const child = spawn(process.execPath, ['--expose-gc', '--input-type=module', '-e', code], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [output] = await Promise.all([text(child.stdout), once(child, 'close')]);
  const rounds = JSON.parse(output) as readonly {
    readonly rss: number;
    readonly heap: number;
    readonly handles: number;
  }[];

  // What V8 keeps for later comes and goes; what leaks is there in each round.
  const rss = Math.min(...rounds.map((round) => round.rss));
  console.log(`[measured] 1,000 beds: ${(rss / 1e6).toFixed(1)} MB`);
  expect(rounds.map(({ handles }) => handles)).toEqual([0, 0, 0]);
  expect(rss).toBeLessThan(20_000_000);
  expect(Math.min(...rounds.map(({ heap }) => heap))).toBeLessThan(2_000_000);
});
