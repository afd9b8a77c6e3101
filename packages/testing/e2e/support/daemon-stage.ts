/**
 * Amazon's daemon as a stage, over a Kinesis and a DynamoDB on this machine. Scenarios share one daemon: each has shards of
 * its own, and they meet where one of them wants the end of the worker.
 */
import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AwsCall, AwsFault } from '../../../core/e2e/support/aws-faults.js';
import { startPlainDaemon } from '../../../core/e2e/support/plain-daemon.js';
import { Thief } from '../../../core/e2e/support/thief.js';
import type { Worker } from '../../../core/e2e/support/worker.js';
import type { World } from '../../../core/e2e/support/world.js';
import { aggregate } from '@millrace/core/internal';
import type { Note, StoredPosition } from '../../test/rules/dialogue.js';
import { CHILD, openGate, readNotes, writeScripts } from '../../test/rules/noted-files.js';
import type { Put, Refusal, Scenario, Seen } from '../../test/rules/rule.js';
import { dialoguesOf, type Stage, type StageMove } from '../../test/rules/stage.js';
import { openRendezvous, type Rendezvous } from './rendezvous.js';

const POLL_MS = 20;
/** What only a defect reaches. */
const WITHIN_MS = 120_000;
/** The daemon reads every 500 ms: what is put has been read by then, and waits inside of it. */
const READ_MS = 1_000;
const WORKER = 'rules';

type Wish = 'restart' | 'kill' | 'look';

/** What DynamoDB says when KCL is to say this. */
const CAUSES: Readonly<Record<Refusal, string>> = {
  ThrottlingException: 'ProvisionedThroughputExceededException',
  KinesisClientLibDependencyException: 'AccessDeniedException',
  InvalidStateException: 'ResourceNotFoundException',
};

export interface DaemonOptions {
  readonly properties?: Readonly<Record<string, string | number | boolean>>;
}

/** One application, and the daemons that serve it one after the other. */
export class DaemonApplication {
  readonly #world: World;
  readonly #thief: Thief;
  readonly #folder: string;
  readonly #properties: DaemonOptions['properties'];
  readonly #rendezvous: Rendezvous<Wish>;
  readonly #refusals = new Map<string, Refusal>();
  readonly #stages: DaemonStage[] = [];
  #worker: Worker | undefined;
  #failed = false;
  /** The stream is changed by one after the other: children are told by what was not there before. */
  #changes: Promise<unknown> = Promise.resolve();

  private constructor(world: World, scenarios: number, { properties }: DaemonOptions) {
    this.#world = world;
    this.#thief = new Thief(world);
    this.#folder = join(world.folder, 'rules');
    this.#properties = properties;
    this.#rendezvous = openRendezvous<Wish>(scenarios, (wishes) => this.#grant(wishes));
  }

  /** @param world - with a shard for each of the scenarios' shards. */
  static async open(
    world: World,
    scenarios: readonly Scenario[],
    options: DaemonOptions = {},
  ): Promise<DaemonApplication> {
    const application = new DaemonApplication(world, scenarios.length, options);
    await application.#assign(scenarios);
    await application.#start();
    return application;
  }

  stageOf(scenario: Scenario): DaemonStage {
    const stage = this.#stages.find((one) => one.scenario === scenario);
    if (stage === undefined) throw new Error('The application has no such scenario.');
    return stage;
  }

  get failed(): boolean {
    return this.#failed;
  }

  get folder(): string {
    return this.#folder;
  }

  get world(): World {
    return this.#world;
  }

  get thief(): Thief {
    return this.#thief;
  }

  /** The store refuses checkpoints of the shard; undefined: no more. One application at a time, worlds share the store. */
  refuse(shardId: string, error: Refusal | undefined): void {
    if (error === undefined) this.#refusals.delete(shardId);
    else this.#refusals.set(shardId, error);
    this.#world.dynamoFaults.use((call) => this.#refusalOf(call));
  }

  meet(wish: Wish): Promise<void> {
    return this.#rendezvous.meet(wish);
  }

  leave(): void {
    this.#rendezvous.leave();
  }

  split(shardId: string): Promise<readonly string[]> {
    return this.#reshard(() => this.#world.split(shardId));
  }

  merge(shardId: string, other: string): Promise<readonly string[]> {
    return this.#reshard(() => this.#world.merge(shardId, other));
  }

  #reshard(change: () => Promise<readonly string[]>): Promise<readonly string[]> {
    const changed = this.#changes.then(change);
    this.#changes = changed.catch(() => undefined);
    return changed;
  }

  async close(): Promise<void> {
    this.#thief.close();
    await this.#world.stop();
  }

  async #assign(scenarios: readonly Scenario[]): Promise<void> {
    mkdirSync(this.#folder);
    const free = (await this.#world.openShards()).map(({ ShardId }) => ShardId ?? '');
    for (const scenario of scenarios) {
      const ids = new Map(scenario.shards.map((shard) => [shard, free.shift() ?? '']));
      for (const [shard, id] of ids) writeScripts(this.#folder, id, scenario.scripts?.[shard] ?? []);
      this.#stages.push(new DaemonStage(this, scenario, ids));
    }
  }

  async #start(): Promise<void> {
    const executableName = `${process.execPath} ${CHILD} ${this.#folder}`;
    const properties = { dynamoDBEndpoint: this.#world.dynamoFaults.endpoint, ...this.#properties };
    const worker = await startPlainDaemon(this.#world, { name: WORKER, executableName, properties });
    this.#worker = worker;
    void worker.exited.then(({ code }) => {
      // One that was told to go is not ours any more by then. A daemon that fails, or halts, ends with 1.
      if (this.#worker === worker && code === 1) this.#failed = true;
    });
  }

  async #grant(wishes: ReadonlySet<Wish>): Promise<void> {
    if (wishes.has('look')) await Promise.all(this.#stages.map((stage) => stage.look()));
    if (!wishes.has('restart') && !wishes.has('kill')) return;
    const worker = this.#worker;
    this.#worker = undefined;
    worker?.signal(wishes.has('kill') ? 'SIGKILL' : 'SIGTERM');
    await worker?.ended();
    await this.#start();
  }

  #refusalOf({ operation, table, body }: AwsCall): AwsFault {
    // Renewals of the lease go through.
    if (operation !== 'UpdateItem' || table !== this.#world.name || !body.includes('"checkpoint"')) return undefined;
    const refused = [...this.#refusals].find(([shardId]) => body.includes(`"${shardId}"`));
    return refused === undefined ? undefined : { error: CAUSES[refused[1]] };
  }
}

/** The shards of one scenario. */
export class DaemonStage implements Stage {
  readonly #application: DaemonApplication;
  readonly scenario: Scenario;
  readonly #ids: Map<string, string>;
  readonly #startedMs = performance.now();
  /** It has no moves left. */
  #isDone = false;
  #seen: { readonly notes: ReadonlyMap<string, readonly (readonly Note[])[]>; readonly stored: Stored } | undefined;

  constructor(application: DaemonApplication, scenario: Scenario, ids: Map<string, string>) {
    this.#application = application;
    this.scenario = scenario;
    this.#ids = ids;
  }

  get worker(): Seen['worker'] {
    return this.#application.failed ? 'failed' : 'serving';
  }

  notes(shard: string): readonly (readonly Note[])[] {
    return this.#seen?.notes.get(shard) ?? this.#readNotes(shard);
  }

  async stored(shard: string): Promise<StoredPosition | 'SHARD_END' | undefined> {
    return (this.#seen?.stored ?? (await this.#readStored())).get(shard);
  }

  async change(): Promise<void> {
    if (performance.now() - this.#startedMs > WITHIN_MS) throw new Error(this.#describe());
    await sleep(POLL_MS);
  }

  async settled(): Promise<void> {
    this.#isDone = true;
    await this.#application.meet('look');
    this.#application.leave();
  }

  /** What is seen is what there is now, whatever the others do to the worker afterwards. */
  async look(): Promise<void> {
    if (!this.#isDone || this.#seen !== undefined) return;
    const notes = new Map([...this.#ids.keys()].map((shard) => [shard, this.#readNotes(shard)]));
    this.#seen = { notes, stored: await this.#readStored() };
  }

  async perform(move: StageMove): Promise<void> {
    const { thief, folder } = this.#application;
    switch (move.kind) {
      case 'deliver':
        await this.#put(this.#idOf(move.shard), move.records);
        if (move.until === 'queued') await sleep(READ_MS);
        return undefined;
      case 'release':
        return openGate(folder, move.gate);
      case 'refuse':
        return this.#application.refuse(this.#idOf(move.shard), move.error);
      case 'recover':
        return this.#application.refuse(this.#idOf(move.shard), undefined);
      case 'loseLease':
        return void (await thief.steal(this.#idOf(move.shard)));
      case 'handOver':
        await thief.askFor(this.#idOf(move.shard), WORKER);
        return this.#keepOnceGiven(move.shard);
      case 'split': {
        const children = await this.#application.split(this.#idOf(move.shard));
        children.forEach((id, index) => this.#ids.set(`${move.shard}.${index + 1}`, id));
        return undefined;
      }
      case 'merge': {
        const [child = ''] = await this.#application.merge(this.#idOf(move.shard), this.#idOf(move.other));
        this.#ids.set(`${move.shard}+${move.other}`, child);
        return undefined;
      }
      case 'heartbeat': {
        // It comes by itself.
        const before = this.#emptyBatches(move.shard);
        while (this.#emptyBatches(move.shard) === before) await this.change();
        return undefined;
      }
      case 'restart':
      case 'kill':
        return this.#application.meet(move.kind);
      default:
        return move satisfies never;
    }
  }

  #emptyBatches(shard: string): number {
    return this.#readNotes(shard)
      .flat()
      .filter(({ line }) => line?.includes('"records":[]')).length;
  }

  /** The next owner lives, so nobody else takes the lease. Before it is given, only its present owner may write to it. */
  async #keepOnceGiven(shard: string): Promise<void> {
    const isGiven = (): boolean =>
      this.#readNotes(shard).some((life) => life.some(({ line }) => line?.includes('leaseLost')));
    while (!isGiven()) await this.change();
    this.#application.thief.renew(this.#idOf(shard));
  }

  #describe(): string {
    const told = [...this.#ids].map(([shard]) => `${shard}: ${JSON.stringify(dialoguesOf(this, shard), null, 1)}`);
    return [...told, this.#application.world.describe()].join('\n');
  }

  #idOf(shard: string): string {
    const id = this.#ids.get(shard);
    if (id === undefined) throw new Error(`There is no shard ${shard} yet.`);
    return id;
  }

  #readNotes(shard: string): readonly (readonly Note[])[] {
    const id = this.#ids.get(shard);
    return id === undefined ? [] : readNotes(this.#application.folder, id);
  }

  async #readStored(): Promise<Stored> {
    const leases = await this.#application.world.leases();
    return new Map(
      [...this.#ids].map(([shard, id]) => {
        const lease = leases.find(({ shardId }) => shardId === id);
        if (lease === undefined) return [shard, undefined];
        const { checkpoint: sequenceNumber, subSequenceNumber } = lease;
        return [shard, sequenceNumber === 'SHARD_END' ? sequenceNumber : { sequenceNumber, subSequenceNumber }];
      }),
    );
  }

  async #put(shardId: string, puts: readonly Put[]): Promise<void> {
    const { world } = this.#application;
    const { HashKeyRange } = (await world.openShards()).find(({ ShardId }) => ShardId === shardId) ?? {};
    const range = [BigInt(HashKeyRange?.StartingHashKey ?? 0), BigInt(HashKeyRange?.EndingHashKey ?? 0)] as const;
    await world.putEntries(
      puts.map((put) => {
        if (typeof put === 'string') return { PartitionKey: keyInto(range, put), Data: Buffer.from(put) };
        const names = 'damaged' in put ? put.damaged : put;
        const parts = names.map((name) => ({ partitionKey: keyInto(range, name), data: Buffer.from(name) }));
        const data = Buffer.from(aggregate(parts));
        // Its last bytes are a digest.
        if ('damaged' in put) data[data.length - 1] = (data.at(-1) ?? 0) ^ 0xff;
        return { PartitionKey: keyInto(range, names[0] ?? ''), Data: data };
      }),
    );
  }
}

type Stored = ReadonlyMap<string, StoredPosition | 'SHARD_END' | undefined>;

/** The name, and a number that brings it into the shard: the daemon drops user records of an aggregate that belong elsewhere. */
function keyInto([first, last]: readonly [bigint, bigint], name: string): string {
  for (let salt = 0; ; salt += 1) {
    const key = `${name}~${salt}`;
    const hash = BigInt(`0x${createHash('md5').update(key).digest('hex')}`);
    if (hash >= first && hash <= last) return key;
  }
}
