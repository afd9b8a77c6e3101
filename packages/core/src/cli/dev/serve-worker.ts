/** The process that `millrace dev` restarts: one worker on the local engine, told what to do by its parent. */
import { join } from 'node:path';
import type { ResolvedConsumer } from '../../config/resolved.js';
import { containErrors } from '../../containment.js';
import { createWorker } from '../../create-worker.js';
import type { ConsumerOptions } from '../../definition/consumer-options.js';
import type { ConsumerDefinition } from '../../definition/definition.js';
import { ConfigurationError, isMillraceError, MillraceError, toError } from '../../errors.js';
import { EXIT_CODES, exitCodeOf, type ExitCode } from '../../exit-codes.js';
import { ensureStream } from '../../local/ensure-stream.js';
import { isOnThisMachine } from '../../local/kinesis-api.js';
import { stderrLogger, systemClock } from '../../process-ports.js';
import { readDefinitions, resolveConsumers } from '../../resolve-consumers.js';
import { untilAborted } from '../../runtime/race.js';
import type { Consumer, WorkerOptions } from '../../worker-options.js';
import { loadConsumers } from '../load-consumers.js';
import { formatError } from '../../format-error.js';
import { plainError, plainEvent } from '../../runtime/plain-event.js';
import type { ConsumerFacts, DevRequest } from './dev-events.js';
import type { ParentLink } from './parent-link.js';

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
  const plan = await planEndpoints(definitions, request, link);
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
    checkpointFile: checkpointFiles(plan, request),
    observer: { records: request.records, onEvent: (event) => link.sendEvent(plainEvent(event)) },
  };
  return runWorker(consumers, options, link);
}

interface EndpointPlan {
  readonly options: WorkerOptions;
  readonly consumers: readonly ResolvedConsumer[];
  /** Application names of those that read the emulator. */
  readonly onEmulator: ReadonlySet<string>;
}

/** Consumers that name no endpoint read the emulator, which is started only for them. Undefined: the parent wants the end. */
async function planEndpoints(
  definitions: readonly ConsumerDefinition[],
  request: DevRequest,
  link: ParentLink,
): Promise<EndpointPlan | undefined> {
  const base: WorkerOptions = {
    engine: 'local',
    ...(request.propertiesFile === undefined ? {} : { propertiesFile: request.propertiesFile }),
  };
  const resolve = (options: WorkerOptions) =>
    resolveConsumers(definitions, options, { env: process.env, engine: 'local' });
  const given = place(request.endpoint, request.region);
  const asDeclared = await resolve(withPlaces(base, definitions, () => given));
  const homeless = new Set(
    asDeclared.filter(({ settings }) => settings.kinesisEndpoint === undefined).map(({ definition }) => definition),
  );
  if (homeless.size === 0) {
    return { options: withPlaces(base, definitions, () => given), consumers: asDeclared, onEmulator: new Set() };
  }
  const answer = link.next();
  await link.send({ kind: 'endpointNeeded' });
  const emulator = await untilAborted(answer, link.stop);
  if (emulator.kind === 'aborted' || emulator.value.kind !== 'endpoint') return undefined;
  const { endpoint, region } = emulator.value;
  const options = withPlaces(base, definitions, (definition) =>
    homeless.has(definition) ? place(endpoint, region) : given,
  );
  const consumers = await resolve(options);
  const onEmulator = new Set(
    consumers.filter(({ definition }) => homeless.has(definition)).map(({ applicationName }) => applicationName),
  );
  return { options, consumers, onEmulator };
}

function place(endpoint: string | undefined, region: string | undefined): ConsumerOptions {
  return {
    ...(endpoint === undefined ? {} : { kinesisEndpoint: endpoint }),
    ...(region === undefined ? {} : { regionName: region }),
  };
}

/** As `run` takes them: of one consumer its own, of several by application name. */
function withPlaces(
  options: WorkerOptions,
  definitions: readonly ConsumerDefinition[],
  placeOf: (definition: ConsumerDefinition) => ConsumerOptions,
): WorkerOptions {
  const [only, ...others] = definitions;
  if (only !== undefined && others.length === 0) return { ...options, properties: placeOf(only) };
  return {
    ...options,
    properties: Object.fromEntries(definitions.map((definition) => [definition.applicationName, placeOf(definition)])),
  };
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

function checkpointFiles({ consumers, onEmulator }: EndpointPlan, { checkpointFile, temporaryFolder }: DevRequest) {
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
