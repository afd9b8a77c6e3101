/** What `npm run bench` measured: who is how fast over the limit of the same rounds, by size, for each release of Node. */
import { bars } from '../support/chart.mjs';

const CLIENTS = ['millrace', 'millrace-batch', 'millrace-lanes', 'aws-kcl', 'amazon_kclpy'];

export function throughputCharts({ measured }) {
  const releases = [...new Set(measured.map(({ node }) => node))];
  const sizes = [...new Set(measured.map(({ size }) => size))];
  return releases.map((node) => ({
    file: `throughput-node-${node}.svg`,
    svg: bars({
      title: `Time for a delivery over that of the limit loop, Node ${node} (less is faster)`,
      unit: 'x',
      categories: sizes,
      reference: 1,
      series: CLIENTS.flatMap((client) => {
        const rows = measured.filter((row) => row.node === node && row.client === client);
        if (rows.length === 0) return [];
        return [{ name: client, values: sizes.map((size) => rows.find((row) => row.size === size)?.over.limit) }];
      }),
    }),
  }));
}
