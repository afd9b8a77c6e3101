/** One consumer on one engine: what a worker starts, stops and asks for health. */
import type { ResolvedConsumer } from './config/resolved.js';
import { MillraceError, toError } from './errors.js';
import { checkpointPath } from './local/checkpoint-path.js';
import { LocalEngine } from './local/engine.js';
import { openFileCheckpointStore } from './local/file-checkpoint-store.js';
import { openKinesisSource } from './local/kinesis-source.js';
import type { CheckpointStore } from './local/checkpoint-store.js';
import type { RecordSource } from './local/source.js';
import { endData } from './host/session-host.js';
import { obeySupervisor } from './host/obey-supervisor.js';
import { LiveSessions, type SessionSetup } from './runtime/live-sessions.js';
import type { ByteChannel, Logger } from './ports.js';
import { claimAwsKcl } from './transport/aws-kcl-channel.js';
import { standardPipes } from './standard-pipes.js';
import type { DaemonHealth, HostHealth } from './runtime/worker-health.js';
import { supervisorOf, type WorkerPart } from './worker-part.js';
import type { Engine, WorkerOptions, WorkerOutcome } from './worker-options.js';
import { refuseLongWindows } from './window-retention.js';

export interface ConsumerEngine {
  readonly consumer: ResolvedConsumer;
  readonly sessions: Pick<LiveSessions, 'status' | 'operate'>;
  /** Of the engine that starts a daemon. */
  readonly daemon?: () => DaemonHealth;
  /** Resolves when the consumer has ended, for whatever reason. */
  readonly closed: Promise<WorkerOutcome>;
  /** Begins the end in order; `closed` tells when it is over. `cause`: nobody asked from outside, the worker has to end by itself. */
  stop(cause: Error | undefined): void;
}

/** The engines of a worker, with what they share. */
export interface EngineGroup {
  readonly engines: readonly ConsumerEngine[];
  hosts(): readonly HostHealth[];
  /** Of a host: a session is ending, and its supervisor is to count what it did. */
  tellStatus?(): void;
  /** Resolves when no session runs in this process any more: until then it needs its sinks and services. Never rejects. */
  settled(): Promise<void>;
  /** Call it when every engine has ended and everything is let go of. Never rejects. */
  close(): Promise<void>;
}

export interface EngineRequest {
  readonly engine: Exclude<Engine, 'daemon'>;
  readonly setup: SessionSetup;
  readonly part: WorkerPart;
  readonly options: WorkerOptions;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export function startEngine(request: EngineRequest): Promise<ConsumerEngine> {
  switch (request.engine) {
    case 'local':
      return startLocal(request);
    case 'stdio':
      return Promise.resolve(serveChannel(request, standardPipes(request.setup.ports.logger)));
    case 'aws-kcl':
      return claimAwsKcl().then((channel) => serveChannel(request, channel));
    default:
      return request.engine satisfies never;
  }
}

async function startLocal(request: EngineRequest): Promise<ConsumerEngine> {
  const { setup, env } = request;
  const { consumer, ports } = setup;
  const { clock, random, logger } = ports;
  refuseProduction(request);
  const endpoint = consumer.settings.kinesisEndpoint;
  const source = await openKinesisSource({
    stream: consumer.stream,
    endpoint,
    region: consumer.settings.regionName,
    env,
    clock,
    random,
    logger,
  });
  const open: OpenLocal = { source, store: undefined };
  try {
    const { retentionMs } = await source.describe(AbortSignal.timeout(START_TIMEOUT_MS));
    refuseLongWindows(consumer, retentionMs);
    open.store = await openStore(request);
    const sessions = new LiveSessions({ ...setup, retentionMs });
    const engine = new LocalEngine({
      consumer,
      source,
      store: open.store,
      clock,
      random,
      logger,
      openSession: (session) => void sessions.serve(session),
    });
    const closed = engine.closed.then(async (outcome): Promise<WorkerOutcome> => {
      await sessions.ended();
      await closeLocal(open, logger);
      return outcome;
    });
    await engine.start();
    return { consumer, sessions, closed, stop: () => stopLocal(sessions, engine) };
  } catch (error) {
    await closeLocal(open, logger);
    throw error;
  }
}

const START_TIMEOUT_MS = 30_000;

interface OpenLocal {
  readonly source: RecordSource;
  store: CheckpointStore | undefined;
}

function stopLocal(sessions: LiveSessions, engine: LocalEngine): void {
  sessions.drain();
  void engine.stop();
}

/** Never rejects: the worker's end waits for it, and everything that counts is durable already. */
async function closeLocal({ source, store }: OpenLocal, logger: Logger): Promise<void> {
  const failed = (error: unknown): void =>
    logger.error({ err: toError(error) }, 'The checkpoint file or the stream did not close cleanly.');
  await store?.close().catch(failed);
  await source.close().catch(failed);
}

function openStore({ setup, options }: EngineRequest): Promise<CheckpointStore> {
  const { applicationName, stream } = setup.consumer;
  const path = checkpointPath(applicationName, options.checkpointFile);
  return openFileCheckpointStore(path, { applicationName, stream, logger: setup.ports.logger });
}

/** Every replica would read every shard: two of them do all the work twice, and nobody notices. */
function refuseProduction({ env, options }: EngineRequest): void {
  const allowed = options.localInProduction ?? env['MILLRACE_LOCAL_IN_PRODUCTION'] === '1';
  if (env['NODE_ENV'] !== 'production' || allowed) return;
  throw new MillraceError(
    'ENGINE_REFUSED',
    'The local engine does not run with NODE_ENV=production, because every replica would read all shards. If exactly one process runs, allow it with MILLRACE_LOCAL_IN_PRODUCTION=1.',
  );
}

/**
 * The child of one shard: its only session is its life. On a signal the daemon normally says goodbye by itself, since the
 * signal reaches it as well; where it does not, the child leaves when the grace is over. A worker that has to end by
 * itself leaves as soon as its action is acknowledged, for a daemon without a supervisor of ours knows no other way to
 * hear of it.
 */
function serveChannel({ setup, part }: EngineRequest, channel: ByteChannel): ConsumerEngine {
  const { consumer, ports } = setup;
  const { applicationName } = consumer;
  const sessionId = part.kind === 'child' ? part.sessionId : `${applicationName}#1`;
  const link = supervisorOf(part);
  const onKnown = (name: string, shardId: string): void => link?.tell({ kind: 'known', sessionId: name, shardId });
  const sessions = new LiveSessions({ ...setup, retentionMs: undefined, onKnown });
  const closed = sessions.serve({ sessionId, channel }).then((outcome): WorkerOutcome => {
    link?.tell({ kind: 'ended', sessionId, end: endData(outcome) });
    return outcome.kind === 'ended' ? { kind: 'stopped' } : { kind: 'failed', error: outcome.error };
  });
  const leaveLater = (): void => {
    const grace = ports.clock.setTimer(consumer.settings.shutdownGraceMs, () => sessions.leave('cut'));
    void closed.then(() => grace.cancel());
  };
  const stop = (cause: Error | undefined): void => {
    sessions.drain();
    if (cause !== undefined) sessions.leave('afterAction');
    leaveLater();
  };
  if (link !== undefined) void closed.then(obeySupervisor({ link, sessions, clock: ports.clock, applicationName }));
  return { consumer, sessions, closed, stop };
}
