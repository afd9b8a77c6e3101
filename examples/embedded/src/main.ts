import { createWorker } from '@millrace/core';
import { createApplication } from './application.js';
import { awilixPort } from './awilix-port.js';
import { ParcelTracker } from './parcel-tracker.js';
import { createServices } from './services.js';

const services = createServices();
const worker = createWorker([ParcelTracker], { container: awilixPort(services) });
const application = createApplication(services, worker);

// createWorker takes no signals and ends no process: both are the application's business.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void application.stop());

console.log(`Listening on port ${await application.start(Number(process.env['PORT'] ?? 8080))}.`);

const outcome = await worker.closed;
if (outcome.kind === 'failed') {
  console.error(outcome.error);
  process.exitCode = 1;
  await application.stop();
}
