/** What `npm run bench:concurrency` measured: what lanes are worth to a handler that waits. */
import { bars } from '../support/chart.mjs';

export function concurrencyCharts({ waitMs, measured }) {
  const svg = bars({
    title: `Records a second of one shard, with a handler that waits ${waitMs} ms`,
    unit: 'records/s',
    categories: measured.map(({ client }) => client),
    series: [{ name: 'records a second', values: measured.map(({ perSecond }) => perSecond) }],
  });
  return [{ file: 'concurrency.svg', svg }];
}
