/**
 * A scenario's shards under Amazon's daemon: the program as a user starts it, Java, a Kinesis and a DynamoDB on this machine. What
 * happened is read from the transcripts that the program writes.
 */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MillraceError, readDefinition } from '@millrace/core';
import { openDaemonPlace, startLocalServices, type DaemonPlace, type LocalServices } from '@millrace/core/internal';
import { DaemonProgram } from './daemon-program.js';
import { DaemonShards } from './daemon-shards.js';
import { DaemonStream } from './daemon-stream.js';
import type { CheckpointFailure } from './fake-checkpoints.js';
import { LeaseRefusals } from './lease-refusals.js';
import { LeaseTable } from './lease-table.js';
import { pause, realMs } from './real-time.js';
import type { TestRecord } from './record-builders.js';
import type { RuntimeSubject } from './runtime-scenario.js';
import type { PlacedRecord, RuntimeStage, StageSeen } from './runtime-stage.js';
import { readSettled, reportTo } from './settled-report.js';
import { readSessions } from './told-sessions.js';

/** Java takes seconds to come up, and leases some to be given. */
const WITHIN_MS = 90_000;
const POLL_MS = 50;

/** For one worker on one machine, where seconds count and load does not. Weaker than what the subject says. */
const PRESET = {
  MILLRACE_FAILOVER_TIME_MILLIS: '2000',
  MILLRACE_LEASE_ASSIGNMENT_INTERVAL_MILLIS: '500',
  MILLRACE_SHARD_SYNC_INTERVAL_MILLIS: '100',
  // The emulator answers slowly when it is asked more often.
  MILLRACE_IDLE_TIME_BETWEEN_READS_IN_MILLIS: '250',
  MILLRACE_RETRIEVAL_MODE: 'POLLING',
  MILLRACE_METRICS_LEVEL: 'NONE',
  MILLRACE_DISABLE_WORKER_METRICS: 'true',
  // What is delivered is put when the shard is served; the latest position may be found later than that.
  MILLRACE_INITIAL_POSITION_IN_STREAM: 'TRIM_HORIZON',
};
/** Emulators take any; nobody's real ones are needed or shown. */
const CREDENTIALS = { AWS_ACCESS_KEY_ID: 'AKIALOCAL', AWS_SECRET_ACCESS_KEY: 'local' };

/** For all scenarios of the process. */
let services: Promise<LocalServices> | undefined;

/** @throws DefinitionError, ConfigurationError as `run` would; MillraceError JAVA_UNUSABLE, DEPENDENCY_MISSING, EMULATOR_FAILED. */
export async function openDaemonStage(subject: RuntimeSubject, shards: readonly string[]): Promise<RuntimeStage> {
  services ??= startLocalServices(process.env);
  const { kinesis, dynamoDb, region } = await services.catch((error: unknown) => {
    services = undefined;
    throw error;
  });
  const name = `millrace-test-${randomUUID().slice(0, 8)}`;
  const env = {
    ...PRESET,
    ...subject.env,
    ...CREDENTIALS,
    AWS_REGION: region,
    MILLRACE_ENGINE: 'daemon',
    MILLRACE_STREAM_NAME: name,
    MILLRACE_APPLICATION_NAME: name,
    MILLRACE_KINESIS_ENDPOINT: kinesis,
    MILLRACE_DYNAMO_DB_ENDPOINT: dynamoDb,
  };
  const { consumer } = subject;
  const definition = typeof consumer === 'function' ? readDefinition(consumer) : consumer;
  const place = await openDaemonPlace(definition, { env, shards: shards.length });
  const [refusals, folder] = await Promise.all([
    LeaseRefusals.open(dynamoDb),
    mkdtemp(join(tmpdir(), 'millrace-daemon-')),
  ]);
  return DaemonStage.start({ subject, shards, env, place, refusals, folder });
}

interface DaemonParts {
  readonly subject: RuntimeSubject;
  readonly shards: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly place: DaemonPlace;
  readonly refusals: LeaseRefusals;
  readonly folder: string;
}

class DaemonStage implements RuntimeStage {
  readonly #withinMs: number;
  readonly #folder: string;
  readonly #place: DaemonPlace;
  readonly #refusals: LeaseRefusals;
  readonly #stream: DaemonStream;
  readonly #leases: LeaseTable;
  readonly #program: DaemonProgram;
  readonly #shards: DaemonShards;

  private constructor(
    { subject, env, place, refusals, folder }: DaemonParts,
    stream: DaemonStream,
    shards: DaemonShards,
  ) {
    this.#withinMs = subject.withinMs ?? WITHIN_MS;
    this.#folder = folder;
    this.#place = place;
    this.#refusals = refusals;
    this.#stream = stream;
    this.#leases = new LeaseTable(place);
    this.#shards = shards;
    this.#program = new DaemonProgram(subject.program, {
      ...env,
      ...reportTo(this.#report),
      MILLRACE_DYNAMO_DB_ENDPOINT: refusals.endpoint,
      MILLRACE_TRANSCRIPTS: this.#transcripts,
    });
  }

  static async start(parts: DaemonParts): Promise<DaemonStage> {
    const stream = new DaemonStream(parts.place);
    const stage = new DaemonStage(parts, stream, new DaemonShards(parts.shards, await stream.shards()));
    stage.#program.start();
    return stage;
  }

  async quiet(): Promise<void> {
    const deadlineMs = realMs() + this.#withinMs;
    for (;;) {
      this.#program.assertRuns();
      const awaited = this.#shards.awaited(await readSessions(this.#transcripts));
      if (awaited === undefined) return;
      if (realMs() > deadlineMs)
        throw new MillraceError(
          'TEST_NOT_IDLE',
          `Nothing has come for ${this.#withinMs} ms. Still waiting for ${awaited}.\n${this.#program.said()}`,
        );
      await pause(POLL_MS);
    }
  }

  async deliver(shard: string | undefined, batch: readonly TestRecord[]): Promise<readonly PlacedRecord[]> {
    const known = this.#shards.served(shard);
    const placed = await this.#stream.put(known.place, batch);
    known.placed.push(...placed);
    return placed;
  }

  refuse(error: CheckpointFailure, times: number | undefined): void {
    this.#refusals.fail(error, times);
  }

  recover(): void {
    this.#refusals.recover();
  }

  async loseLease(shard: string | undefined): Promise<void> {
    const known = this.#shards.served(shard);
    known.leaving = 'leaseLost';
    await this.#leases.take(known.place.shardId);
  }

  async requestShutdown(shard: string | undefined): Promise<void> {
    const known = this.#shards.served(shard);
    known.leaving = 'leaseLost';
    await this.#leases.askFor(known.place.shardId);
    await this.quiet();
    this.#leases.keep(known.place.shardId);
  }

  async split(shard: string | undefined): Promise<void> {
    const parent = this.#shards.served(shard);
    parent.leaving = 'shardEnded';
    const children = await this.#stream.split(parent.place);
    children.forEach((place, index) => this.#shards.add(`${parent.name}.${index + 1}`, place));
  }

  async crash(): Promise<void> {
    await this.#program.kill();
    this.#shards.forget(await readSessions(this.#transcripts));
    this.#program.start();
  }

  async stop(): Promise<StageSeen> {
    await this.#program.stop(this.#withinMs);
    const [sessions, settled] = await Promise.all([readSessions(this.#transcripts), readSettled(this.#report)]);
    await this.abandon();
    return { shards: this.#shards.seen(sessions), settled };
  }

  async abandon(): Promise<void> {
    await this.#program.kill();
    this.#leases.close();
    this.#refusals.close();
    this.#place.close();
    await rm(this.#folder, { recursive: true, force: true });
  }

  get #transcripts(): string {
    return join(this.#folder, 'transcripts');
  }

  get #report(): string {
    return join(this.#folder, 'settled.jsonl');
  }
}
