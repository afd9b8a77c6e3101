/** One life of a worker: its sessions from their leases on, until all shards have ended or a fault has ended them. */
import { ShardDaemon } from '../src/local/shard-daemon.js';
import { DaemonError } from '../src/local/daemon-error.js';
import { toError } from '../src/errors.js';
import type { CheckpointTarget, WireRecord } from '../src/protocol/messages.js';
import { PipeChannel, type Unusual } from '../test/support/pipe-channel.js';
import type { Exit, Place } from './place.js';
import { type HarmlessKind, isMortal, type Moment, type MortalKind, type Scenario } from './scenario.js';
import type { Shard } from './ledger.js';

const STALL_MS = 150;
/** How long a daemon that was asked to end waits for its sessions (shutdownGraceMillis). */
const SHUTDOWN_GRACE_MS = 5_000;
/** After its end everything has to be gone by then: a handler's deadline, and what a loaded machine adds. */
const GONE_WITHIN_MS = 15_000;
const LIVES_WITHIN_MS = 30_000;

export interface LifeOptions {
  readonly scenario: Scenario;
  readonly place: Place;
  readonly shards: readonly (Shard & { readonly batches: readonly (readonly WireRecord[])[] })[];
  /** Where the leases stand; the daemon writes to it. */
  readonly checkpoints: Map<string, CheckpointTarget>;
  /** Only the first life meets the fault. */
  readonly faulty: boolean;
}

export interface LifeEnd {
  /** The fault has met its moment. */
  readonly hit: boolean;
  readonly exits: readonly Exit[];
  readonly wrong: readonly string[];
}

export async function live(options: LifeOptions): Promise<LifeEnd> {
  const life = new LivingWorker(options);
  const { place } = options;
  try {
    await within(LIVES_WITHIN_MS, life.serve(), 'its sessions did not end');
    const exits = await within(GONE_WITHIN_MS, place.ended(), 'a process did not end');
    return { hit: life.hit, exits, wrong: life.wrong };
  } catch (error) {
    return { hit: life.hit, exits: [], wrong: [...life.wrong, toError(error).message] };
  } finally {
    life.close();
    await place.destroy();
  }
}

class LivingWorker {
  hit = false;
  readonly wrong: string[] = [];
  private readonly channels: PipeChannel[];
  /** Of the first shard: the batch that is open or comes next, and whether it is open. */
  private batch = 0;
  private isOpen = false;
  private refusals: number;
  private over = false;
  private drains = false;
  private grace: NodeJS.Timeout | undefined;
  private readonly started: Promise<void>[] = [];

  constructor(private readonly options: LifeOptions) {
    const { place, scenario } = options;
    const { fault } = scenario;
    this.refusals = options.faulty && fault.kind === 'answers' ? fault.times : 0;
    this.channels = place.pipes.map((pipes, index) => new PipeChannel(pipes, this.unusual(index)));
    const [first] = options.shards;
    const struck = struckRecord(first?.batches ?? [], scenario);
    const begins = `@${first?.shardId}:${struck?.sequenceNumber}:`;
    place.onLine = (line) => {
      if (this.isOpen && line.startsWith(begins)) this.handlerAtStruckRecord();
    };
  }

  close(): void {
    clearTimeout(this.grace);
  }

  /** Resolves when no session goes on. */
  async serve(): Promise<void> {
    const { shards } = this.options;
    const open = shards.map((shard, index) => this.serveShard(shard, index));
    await Promise.all(open);
  }

  private async serveShard({ shardId, batches }: LifeOptions['shards'][number], index: number): Promise<void> {
    const { checkpoints } = this.options;
    const channel = this.channels[index] as PipeChannel;
    const lease = checkpoints.get(shardId);
    if (lease === 'SHARD_END') throw new RangeError('No session begins for a shard that has ended.');
    const daemon = this.daemonOf(shardId, index);
    try {
      const initialized = daemon.initialize(lease ?? { sequenceNumber: 'TRIM_HORIZON', subSequenceNumber: 0 });
      this.started.push(initialized.catch(() => undefined));
      await initialized;
      for (const [number, records] of batches.entries()) {
        if (index === 0) this.batch = number;
        await this.reach('idle', index);
        if (this.drains) {
          await daemon.shutdownRequested();
          await daemon.leaseLost();
          return;
        }
        if (index === 0) this.isOpen = true;
        await daemon.processRecords(records, 0);
        if (index === 0) this.isOpen = false;
      }
      const { checkpointed } = await daemon.shardEnded();
      if (!checkpointed) this.wrong.push(`${shardId} ended without its checkpoint`);
    } catch (error) {
      // Whoever dies takes all along: the daemon ends when one child is gone.
      if (!this.hit) this.wrong.push(`a session ended by itself: ${toError(error).message}`);
      this.endAll();
    } finally {
      channel.endInput();
    }
  }

  private daemonOf(shardId: string, index: number): ShardDaemon {
    const { checkpoints, scenario } = this.options;
    return new ShardDaemon({
      shardId,
      channel: this.channels[index] as PipeChannel,
      heartbeat: false,
      store: {
        put: async (_, target) => {
          if (index === 0 && this.refusals > 0 && scenario.fault.kind === 'answers') {
            this.refusals -= 1;
            this.hit = true;
            throw new DaemonError(scenario.fault.error);
          }
          if (scenario.stored) checkpoints.set(shardId, target);
          await this.reach('checkpoint', index);
          // What was to be stored when the worker died may not have been.
          if (!this.over) checkpoints.set(shardId, target);
        },
      },
      observer: {
        onReceived: ({ kind }) => void (kind === 'status' && this.isOpen && this.reach('status', index)),
        onMisbehaviour: ({ kind, line }) => this.wrong.push(`${kind}: ${line}`),
      },
    });
  }

  private handlerAtStruckRecord(): void {
    if (this.options.faulty && this.options.scenario.fault.kind === 'deed') this.hit = true;
    void this.reach('handler', 0);
  }

  private async reach(moment: Moment, index: number): Promise<void> {
    const { scenario, faulty } = this.options;
    const { fault, at } = scenario;
    if (!faulty || this.hit || index !== 0 || !('moment' in fault) || fault.moment !== moment) return;
    if (moment !== 'handler' && this.batch < at) return;
    this.hit = true;
    this.over = isMortal(fault.kind);
    await this.strike(fault.kind);
  }

  private strike(kind: MortalKind | HarmlessKind): void | Promise<void> {
    const { place } = this.options;
    const [channel] = this.channels;
    switch (kind) {
      case 'kill':
        return place.kill();
      case 'relayKilled':
        return place.pipes[0]?.kill('SIGKILL');
      case 'supervisorGone':
        place.loseSupervisor();
        return this.endAll();
      case 'daemonGone':
        return this.endAll();
      case 'endOfInput':
        return channel?.endInput();
      case 'halfLine':
        channel?.put('{"action":"processRecords","records":[{"data":"e30=","partition');
        return channel?.endInput();
      case 'outputClosed':
        channel?.closeOutput();
        return;
      case 'notJson':
        return this.say('this is no JSON\n');
      case 'notAnObject':
        return this.say('[1, 2]\n');
      case 'unknownAction':
        return this.say('{"action":"dance"}\n');
      case 'noRecords':
        return this.say('{"action":"processRecords","millisBehindLatest":0}\n');
      case 'terminate':
        return this.drain('SIGTERM');
      case 'interrupt':
        return this.drain('SIGINT');
      case 'stalledReader':
        return channel?.stall(STALL_MS);
      default:
        return kind satisfies never;
    }
  }

  /** The whole group is asked to end; the daemon hears it as well, and asks its sessions to. */
  private async drain(signal: NodeJS.Signals): Promise<void> {
    this.drains = true;
    // Node ends at a signal that comes while it starts.
    await Promise.all(this.started);
    this.options.place.signalAll(signal);
    // The end of a shard is not answered while records of it were given back.
    this.grace = setTimeout(() => this.endAll(), SHUTDOWN_GRACE_MS);
  }

  private say(text: string): void {
    this.channels[0]?.put(text);
  }

  /** The daemon lets go of all pipes, as when its process is gone. */
  private endAll(): void {
    this.over = true;
    for (const channel of this.channels) {
      channel.endInput();
      channel.closeOutput();
    }
  }

  private unusual(index: number): Unusual {
    const { fault } = this.options.scenario;
    if (!this.options.faulty || index !== 0) return {};
    if (fault.kind === 'writing') {
      this.hit = true;
      return { writing: fault.writing };
    }
    if (fault.kind !== 'cutInput' && fault.kind !== 'cutOutput') return {};
    const onCut = (): void => {
      this.hit = true;
      this.over = true;
      this.options.place.kill();
    };
    return { cut: { side: fault.kind === 'cutInput' ? 'input' : 'output', bytes: fault.bytes, onCut } };
  }
}

/** In whose handler the fault hits: the middle one of its batch. */
export function struckRecord(batches: readonly (readonly WireRecord[])[], { at }: Scenario): WireRecord | undefined {
  const batch = batches[at] ?? [];
  return batch[Math.floor(batch.length / 2)];
}

async function within<T>(ms: number, promise: Promise<T>, otherwise: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${otherwise} within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
