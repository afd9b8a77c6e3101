/** The process that `millrace dev` restarts: one worker, on the local engine or on the daemon, told what to do by its parent. */
import { join } from 'node:path';
import type { ResolvedConsumer } from '../../config/resolved.js';
import { containErrors } from '../../containment.js';
import { createWorker } from '../../create-worker.js';
import { ConfigurationError, isMillraceError, MillraceError, toError } from '../../errors.js';
import { EXIT_CODES, exitCodeOf, type ExitCode } from '../../exit-codes.js';
import { ensureStream } from '../../local/ensure-stream.js';
import { isOnThisMachine } from '../../config/this-machine.js';
import { stderrLogger, systemClock } from '../../process-ports.js';
import { readDefinitions } from '../../resolve-consumers.js';
import { untilAborted } from '../../runtime/race.js';
import type { Consumer, WorkerOptions } from '../../worker-options.js';
import { loadConsumers } from '../load-consumers.js';
import { formatError } from '../../format-error.js';
import { plainError, plainEvent } from '../../runtime/plain-event.js';
import { daemonEnvironment } from './daemon-preset.js';
import type { ConsumerFacts, DevRequest } from './dev-events.js';
import type { ParentLink } from './parent-link.js';
import { planPlaces, type PlacePlan } from './plan-places.js';
import { provisionHere } from './provision-here.js';

/** Runs until the parent asks for the end, the worker fails, or the parent is gone; never rejects. */
export async function serveWorker(link: ParentLink): Promise<ExitCode> {
  const first = await untilAborted(link.next(), link.stop);
  if (first.kind === 'aborted' || first.value.kind !== 'start') return EXIT_CODES.ok;
  const { request } = first.value;
  try {
    return await prepareAndRun(request, link);
  } catch (error) {
    if (link.stop.aborted && isMillraceError(error, 'WORKER_STOPPED')) return EXIT_CODES.ok;
    await link.send({
      kind: 'workerFailed',
      error: plainError(toError(error)),
      text: formatError(error, request.verbose),
    });
    return exitCodeOf(error);
  }
}

async function prepareAndRun(request: DevRequest, link: ParentLink): Promise<ExitCode> {
  const { consumers, register } = await loadConsumers(request);
  const definitions = readDefinitions(consumers);
  const plan = await planPlaces(definitions, request, link);
  if (plan === undefined || link.stop.aborted) return EXIT_CODES.ok;
  await link.send({
    kind: 'consumersLoaded',
    consumers: plan.consumers.map(factsOf),
    graceMs: graceOf(plan.consumers),
  });
  await ensureStreams(plan.consumers, request, link);
  const options: WorkerOptions = {
    ...plan.options,
    ...(register === undefined ? {} : { register }),
    ...(request.engine === 'daemon'
      ? await readyTables(plan, link)
      : { checkpointFile: checkpointFiles(plan, request) }),
    observer: { records: request.records, onEvent: (event) => link.sendEvent(plainEvent(event)) },
  };
  return runWorker(consumers, options, link);
}

function factsOf({ definition, applicationName, stream, settings }: ResolvedConsumer): ConsumerFacts {
  const { kinesisEndpoint: endpoint, regionName: region } = settings;
  return { consumer: definition.name, applicationName, stream, endpoint, region };
}

function graceOf(consumers: readonly ResolvedConsumer[]): number {
  return Math.max(...consumers.map(({ settings }) => settings.shutdownGraceMs));
}

/** Only on this machine: nobody wants a typo to create a stream in AWS. */
async function ensureStreams(
  consumers: readonly ResolvedConsumer[],
  request: DevRequest,
  link: ParentLink,
): Promise<void> {
  for (const { stream, settings } of consumers) {
    const { kinesisEndpoint: endpoint, regionName: region } = settings;
    if (endpoint === undefined || !isOnThisMachine(endpoint)) continue;
    const made = await ensureStream({ endpoint, region, env: process.env }, { name: stream, shards: request.shards });
    await link.send({ kind: 'streamReady', stream, made });
  }
}

/** The daemon would make its tables itself, in a minute or more. */
async function readyTables(
  { consumers, ownTables }: PlacePlan,
  link: ParentLink,
): Promise<Pick<WorkerOptions, 'env' | 'java'>> {
  const env = daemonEnvironment(consumers, process.env);
  await Promise.all(
    consumers.map(async (consumer) => {
      const { applicationName, settings } = consumer;
      const leaseOwner = ownTables.has(applicationName) ? settings.workerId : undefined;
      const leases = await provisionHere(consumer, { env, leaseOwner });
      if (leases !== undefined) await link.send({ kind: 'tablesReady', applicationName, leases });
    }),
  );
  return { env, java: { preset: 'fast' } };
}

function checkpointFiles({ consumers, onEmulator }: PlacePlan, { checkpointFile, temporaryFolder }: DevRequest) {
  if (checkpointFile !== undefined && consumers.length > 1) {
    const message = `--checkpoints names one file, and the module has ${consumers.length} consumers. Choose one with --consumer, or leave --checkpoints out.`;
    throw new ConfigurationError([{ code: 'ONE_CHECKPOINT_FILE', message, path: ['--checkpoints'] }]);
  }
  return (applicationName: string): string => {
    if (checkpointFile !== undefined) return checkpointFile;
    return join(onEmulator.has(applicationName) ? temporaryFolder : '.millrace', `${applicationName}.checkpoints.json`);
  };
}

async function runWorker(consumers: readonly Consumer[], options: WorkerOptions, link: ParentLink): Promise<ExitCode> {
  const logger = stderrLogger(process.env);
  const worker = createWorker(consumers, { ...options, logger });
  const stop = (): void => void worker.stop();
  link.stop.addEventListener('abort', stop, { once: true });
  if (link.stop.aborted) stop();
  let stray: Error | undefined;
  containErrors({
    clock: systemClock,
    logger,
    requestStop: (cause) => {
      stray ??= cause;
      stop();
    },
  });
  await worker.start();
  await link.send({ kind: 'workerRunning' });
  const outcome = await worker.closed;
  const failure = outcome.kind === 'failed' ? outcome.error : stray;
  if (failure === undefined) return EXIT_CODES.ok;
  throw failure instanceof MillraceError
    ? failure
    : new MillraceError('HANDLER_FAILED', failure.message, { cause: failure });
}
