/**
 * Rounds of one size: every client lives through all of them, and in each round each gets its turn, in random order. What is
 * measured in one round was measured within a second, so its ratios hold while other programs come and go.
 */
import { DrivenClient } from './driven-client.mjs';
import { shuffled } from './statistics.mjs';

/** `passes`: how often all clients start anew, because V8 does not compile every process alike. */
export async function runRounds(clients, { size, payload, passes, rounds, watchdog, share = 1 }) {
  const result = new Map(clients.map(({ name }) => [name, { ms: [], cpuMs: [], peakBytes: [] }]));
  const slot = Math.max(1, Math.round(size.slot * share));
  for (let pass = 0; pass < passes; pass += 1) {
    const driven = [];
    try {
      for (const client of clients) driven.push(await started(client, { size, payload, watchdog }));
      for (let round = 0; round < rounds; round += 1) {
        for (const one of shuffled(driven)) {
          const { tookMs, cpuMs } = one.deliver(slot);
          const row = result.get(one.client.name);
          row.ms.push(tookMs / slot);
          row.cpuMs.push(cpuMs / slot);
        }
      }
      for (const one of driven) result.get(one.client.name).peakBytes.push((await one.end()).peakBytes);
    } catch (error) {
      for (const one of driven) one.kill();
      throw error;
    }
  }
  return result;
}

/** What part of its CPU time each client collects garbage, in a short run of its own. */
export async function gcShare(client, { size, payload, watchdog }) {
  const driven = await started(client, { size, payload, watchdog });
  driven.deliver(size.warmUp);
  const { gcMs, cpuMs } = await driven.end();
  return gcMs / cpuMs;
}

async function started(client, options) {
  const driven = new DrivenClient(client, options);
  driven.initialize();
  driven.deliver(options.size.warmUp);
  return driven;
}
