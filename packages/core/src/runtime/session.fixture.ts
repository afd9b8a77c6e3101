/** A whole session for tests: the production runner on one end of a channel, the production daemon side on the other. */
import { resolveConsumer } from '../config/resolve.js';
import type { ConsumerDefinition, SinkDescription } from '../definition/definition.js';
import { defineConsumer, type ConsumerData } from '../definition/define-consumer.js';
import type { IdempotencyStoreDescription } from '../definition/middleware.js';
import type { SessionEvent } from '../events.js';
import { DaemonError } from '../local/daemon-error.js';
import { ShardDaemon, type ShardDaemonObserver } from '../local/shard-daemon.js';
import type { ContainerPort, DeadLetterEntry, DeadLetterSink, IdempotencyStore, Logger, Scope } from '../ports.js';
import type { CheckpointTarget, WireRecord } from '../protocol/messages.js';
import { memoryChannelPair } from '../transport/memory-channel.js';
import { ManualClock } from '../../test/support/manual-clock.js';
import { type CircuitBreaker, openCircuitBreaker } from './circuit-breaker.js';
import type { FlightRecorder } from './flights.js';
import { ShardRunner, type SessionOutcome } from './shard-runner.js';

class FakeSink implements DeadLetterSink {
  readonly durable = true;
  readonly parked: DeadLetterEntry[] = [];
  failures = 0;

  async write(entry: DeadLetterEntry): Promise<void> {
    if (this.failures > 0) {
      this.failures -= 1;
      throw new Error('sink down');
    }
    this.parked.push(entry);
  }
  async close(): Promise<void> {
    // Nothing is open.
  }
}

export class LogLines implements Logger {
  readonly lines: { readonly level: string; readonly message: string }[] = [];
  debug(_: object, message: string): void {
    this.lines.push({ level: 'debug', message });
  }
  info(_: object, message: string): void {
    this.lines.push({ level: 'info', message });
  }
  warn(_: object, message: string): void {
    this.lines.push({ level: 'warn', message });
  }
  error(_: object, message: string): void {
    this.lines.push({ level: 'error', message });
  }
}

type Data = Partial<ConsumerData<object>> & Pick<ConsumerData<object>, 'handlers'>;

export interface SessionOptions {
  readonly properties?: Readonly<Record<string, unknown>>;
  readonly container?: ContainerPort;
  readonly retentionMs?: number;
  readonly stores?: ReadonlyMap<IdempotencyStoreDescription, IdempotencyStore>;
  /** Names of daemon errors that the next checkpoints are answered with. */
  readonly checkpointErrors?: string[];
  readonly observer?: ShardDaemonObserver;
  /** Of another session of the same consumer, together with its breaker. */
  readonly clock?: ManualClock;
  readonly breaker?: CircuitBreaker;
  readonly flights?: FlightRecorder;
}

/** Attempts without jitter: the random port gives its upper end. */
const ALMOST_ONE = 0.999_999;

export class TestSession {
  readonly clock: ManualClock;
  readonly sink = new FakeSink();
  readonly log = new LogLines();
  readonly events: SessionEvent[] = [];
  readonly stored: CheckpointTarget[] = [];
  readonly stops: Error[] = [];
  readonly definition: ConsumerDefinition;
  readonly runner: ShardRunner;
  readonly daemon: ShardDaemon;
  readonly checkpointErrors: string[];
  readonly outcome: Promise<SessionOutcome>;
  disposed = 0;
  scopes = 0;

  constructor(data: Data, options: SessionOptions = {}) {
    this.clock = options.clock ?? new ManualClock();
    this.checkpointErrors = options.checkpointErrors ?? [];
    const description: SinkDescription = {
      sink: 'millrace.sink',
      label: 'fake',
      durable: true,
      open: async () => this.sink,
    };
    this.definition = defineConsumer({
      name: 'Orders',
      stream: 'orders',
      applicationName: 'orders-app',
      ...data,
      ...(data.deadLetter === undefined
        ? {}
        : {
            deadLetter: {
              ...data.deadLetter,
              sink: data.deadLetter.sink === 'fake' ? description : data.deadLetter.sink,
            },
          }),
    });
    const consumer = resolveConsumer(this.definition, { env: {}, engine: 'local', options: options.properties });
    const pair = memoryChannelPair();
    this.runner = new ShardRunner({
      consumer,
      sessionId: 'session-1',
      channel: pair.worker,
      container: options.container ?? { openScope: async () => this.scope() },
      sinks: new Map([[description, this.sink]]),
      stores: options.stores ?? new Map(),
      ports: {
        clock: this.clock,
        random: () => ALMOST_ONE,
        logger: this.log,
        observer: { records: true, onEvent: (event) => void this.events.push(event) },
      },
      flights: options.flights,
      breaker: options.breaker ?? openCircuitBreaker(this.definition, { clock: this.clock, logger: this.log }),
      retentionMs: options.retentionMs,
      requestStop: (cause) => void this.stops.push(cause),
    });
    this.daemon = new ShardDaemon({
      shardId: SHARD,
      channel: pair.daemon,
      store: { put: (_, target) => this.put(target) },
      ...(options.observer === undefined ? {} : { observer: options.observer }),
    });
    this.outcome = this.runner.run();
  }

  async initialize(sequenceNumber = 'TRIM_HORIZON'): Promise<void> {
    await this.during(this.daemon.initialize({ sequenceNumber, subSequenceNumber: 0 }));
  }

  /** Delivers records named by numbers or positions, and waits for the status. */
  async deliver(...records: readonly (number | WireRecord)[]): Promise<void> {
    await this.during(this.offer(...records));
  }

  /** Delivers without waiting; the caller decides what happens meanwhile. */
  offer(...records: readonly (number | WireRecord)[]): Promise<void> {
    return this.daemon.processRecords(
      records.map((each) => (typeof each === 'number' ? wire(each) : each)),
      0,
    );
  }

  /** Awaits a daemon action without moving the clock. */
  async during<T>(action: Promise<T>): Promise<T> {
    let settled = false;
    const done = action.finally(() => {
      settled = true;
    });
    done.catch(() => undefined);
    for (let hop = 0; hop < 50 && !settled; hop += 1) await this.clock.settle();
    if (!settled) throw new Error(`The action is not answered. Status: ${JSON.stringify(this.runner.status)}`);
    return done;
  }

  kinds(...kinds: readonly SessionEvent['kind'][]): SessionEvent[] {
    return this.events.filter((event) => kinds.includes(event.kind));
  }

  /** `3:handled` for every settled record, in the order of settling. */
  get settled(): string[] {
    return this.events.flatMap((event) =>
      event.kind === 'recordSettled' ? [`${shortId(event.recordId)}:${event.how}`] : [],
    );
  }
  get abandoned(): string[] {
    return this.events.flatMap((event) => (event.kind === 'recordAbandoned' ? [shortId(event.recordId)] : []));
  }
  /** The stored checkpoints: `3`, `3/1`, `SHARD_END`. */
  get checkpoints(): string[] {
    return this.stored.map((target) =>
      target === 'SHARD_END' ? target : shortPosition(target.sequenceNumber, target.subSequenceNumber),
    );
  }

  private scope(): Scope {
    this.scopes += 1;
    return {
      resolve: async () => {
        throw new Error('nothing is registered');
      },
      dispose: async () => {
        this.disposed += 1;
      },
    };
  }

  private async put(target: CheckpointTarget): Promise<void> {
    const error = this.checkpointErrors.shift();
    if (error !== undefined) throw new DaemonError(error, 'on purpose');
    this.stored.push(target);
  }
}

const SHARD = 'shardId-000000000000';
const BASE = 49_680_472_822_785_406_503_947_250_856_611_970_033_281_563_257_059_934_000n;

/** Record n of the shard; its payload is `{ n }`. */
export function wire(n: number, more: Partial<WireRecord> = {}): WireRecord {
  return {
    sequenceNumber: String(BASE + BigInt(n)),
    subSequenceNumber: 0,
    partitionKey: `key-${n % 3}`,
    approximateArrivalTimestamp: 1_700_000_000_000,
    data: Buffer.from(JSON.stringify({ n })),
    ...more,
  };
}

function shortId(recordId: string): string {
  const [, sequenceNumber, sub] = recordId.split(':');
  return shortPosition(sequenceNumber ?? '', Number(sub));
}

function shortPosition(sequenceNumber: string, subSequenceNumber: number): string {
  const n = String(BigInt(sequenceNumber) - BASE);
  return subSequenceNumber === 0 ? n : `${n}/${subSequenceNumber}`;
}
