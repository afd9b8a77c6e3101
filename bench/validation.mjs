/**
 * What validating a record costs beside parsing it alone, in the same rounds: `npm run bench:validation`. One row a library.
 */
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { machine } from './support/machine.mjs';
import { table } from './support/table.mjs';
import { millrace } from './throughput/clients.mjs';
import { orderPayload, ORDERS } from './throughput/orders.mjs';
import { loadAverage } from './throughput/process-cost.mjs';
import { runRounds } from './throughput/rounds.mjs';
import { spread } from './throughput/statistics.mjs';
import { startWatchdog } from './throughput/watchdog.mjs';

const { values } = parseArgs({
  options: {
    schemas: { type: 'string', default: 'zod,valibot,arktype,dto' },
    passes: { type: 'string', default: '3' },
    rounds: { type: 'string', default: '10' },
    json: { type: 'string', default: 'bench-validation.json' },
  },
});
const PLAIN = 'json';
const schemas = values.schemas.split(',');
const clients = [PLAIN, ...schemas].map((mode) => millrace(mode));
const rows = await runRounds(clients, {
  size: ORDERS,
  payload: orderPayload,
  passes: Number(values.passes),
  rounds: Number(values.rounds),
  watchdog: startWatchdog(),
});
const plain = rows.get(`millrace-${PLAIN}`).cpuMs;
const perRecord = (ms) => (ms * 1_000) / ORDERS.records;
const measured = [PLAIN, ...schemas].map((schema) => {
  const { cpuMs } = rows.get(`millrace-${schema}`);
  return {
    schema,
    cpuUsPerRecord: spread(cpuMs.map(perRecord)),
    addedUsPerRecord: spread(cpuMs.map((one, round) => perRecord(one - plain[round]))),
  };
});
const range = ({ median, low, high }) => `${median.toFixed(2)} [${low.toFixed(2)}-${high.toFixed(2)}]`;
const cells = measured.map(({ schema, cpuUsPerRecord, addedUsPerRecord }) => [
  schema === PLAIN ? 'JSON alone' : schema,
  range(cpuUsPerRecord),
  schema === PLAIN ? '' : range(addedUsPerRecord),
]);
console.log(table(['schema', 'CPU us/record', 'added'], cells));
const result = { machine: machine(), load: loadAverage(), measured };
await writeFile(values.json, `${JSON.stringify(result, undefined, 2)}\n`);
