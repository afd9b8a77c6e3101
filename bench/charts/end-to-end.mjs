/** What `npm run bench:end-to-end` measured: where the processor time of a record goes in a whole worker. */
import { bars } from '../support/chart.mjs';

const exactly = (value) => ({ median: value, low: value, high: value });

export function endToEndCharts({ measured, recordBytes }) {
  const role = (name, field) => ({ name, values: measured.map((row) => exactly(row[field])) });
  const svg = bars({
    title: `Processor time for a record of ${recordBytes} B in a whole worker`,
    unit: 'us',
    categories: measured.map(({ shards }) => (shards === 1 ? '1 shard' : `${shards} shards`)),
    series: [role('host', 'hostCpuUsPerRecord'), role('Java', 'javaCpuUsPerRecord')],
  });
  return [{ file: 'end-to-end.svg', svg }];
}
