/** What `npm run bench:hosted` measured: private memory over the number of idle shards. */
import { lines } from '../support/chart.mjs';

const MEGABYTE = 2 ** 20;

export function memoryCharts({ memory, perShard }) {
  const shared = memory.map(({ shards, host, relay }) => [shards, (host + shards * relay) / MEGABYTE]);
  const processes = Object.entries(perShard).map(([name, measured]) => ({
    name: `${name}, a process for each shard`,
    points: measured.map(({ shards, bytes }) => [shards, bytes / MEGABYTE]),
  }));
  const svg = lines({
    title: 'Private memory of idle shards, without Java and without what starts them',
    xName: 'shards',
    unit: 'MB',
    log: true,
    series: [{ name: 'millrace, one host and its relays', points: shared }, ...processes],
  });
  return [{ file: 'memory.svg', svg }];
}
