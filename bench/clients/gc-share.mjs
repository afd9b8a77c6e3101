/** Loaded before a client (`--import`) in a run of its own: how much of its CPU time went into collecting garbage on its thread. */
import { PerformanceObserver } from 'node:perf_hooks';

let gcMs = 0;
const observer = new PerformanceObserver((list) => {
  for (const { duration } of list.getEntries()) gcMs += duration;
});
observer.observe({ entryTypes: ['gc'] });

globalThis.benchGc = () => {
  for (const { duration } of observer.takeRecords()) gcMs += duration;
  const { user, system } = process.cpuUsage();
  return { gcMs, cpuMs: (user + system) / 1_000 };
};
