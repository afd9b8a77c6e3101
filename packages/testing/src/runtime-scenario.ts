/** What `eachRuntime` takes and gives: what is tested, what happens to it, and what was seen. Plain data. */
import type { ConsumerDefinition, SettledHow } from '@millrace/core';
import type { CheckpointFailure } from './fake-checkpoints.js';
import type { TestRecord } from './record-builders.js';

/**
 * `memory`: a test bed, on its virtual clock. `process`: the program, a process for each shard, in real time. `daemon`: the program
 * under Amazon's daemon, with a Kinesis and a DynamoDB on this machine.
 */
export type RuntimeName = 'memory' | 'process' | 'daemon';

/** What is tested. */
export interface RuntimeSubject {
  /** As it stands in the program. */
  readonly consumer: (abstract new (...args: never[]) => object) | ConsumerDefinition;
  /** The file that runs it, for Node: it calls `run` with this consumer. A path, or a `file:` URL as text. */
  readonly program: string;
  /** Variables of the environment, on every runtime; the program has those of the test besides. @defaultValue none */
  readonly env?: Readonly<Record<string, string>>;
  /** How long the program may take for what a move brings about, in real milliseconds. @defaultValue 20 seconds; 90 on `daemon` */
  readonly withinMs?: number;
}

/** Something that happens; each is waited for before the next. Without a shard, it happens to the first. */
export type RuntimeMove =
  /** One batch, by the names of the scenario's records. */
  | { readonly kind: 'deliver'; readonly records: readonly string[]; readonly shard?: string }
  /**
   * The next `times` checkpoints are refused, of any shard; all until `recover` by default. On `daemon` DynamoDB is made to refuse,
   * by which KCL can come to ThrottlingException, KinesisClientLibDependencyException and InvalidStateException.
   */
  | { readonly kind: 'refuse'; readonly error: CheckpointFailure; readonly times?: number }
  | { readonly kind: 'recover' }
  /** Another worker has taken the lease. */
  | { readonly kind: 'loseLease'; readonly shard?: string }
  /** The lease is handed to another worker, or the worker stops: shutdownRequested, then leaseLost. */
  | { readonly kind: 'requestShutdown'; readonly shard?: string }
  /** Children are called `A.1` and `A.2`. */
  | { readonly kind: 'split'; readonly shard?: string }
  /** The process dies and the next one starts from what is stored; in `process` and `daemon` with SIGKILL. */
  | { readonly kind: 'crash' };

/** What is delivered, and what happens. */
export interface RuntimeScenario {
  /** Names of the shards that there are at first. @defaultValue one, `A` */
  readonly shards?: readonly string[];
  /** By the names under which they are delivered and seen; user records of an aggregate are seen as `name/0`, `name/1`. */
  readonly records: Readonly<Record<string, TestRecord>>;
  /** In order. At their end the worker is stopped. */
  readonly moves: readonly RuntimeMove[];
}

/** What became of it all, once the worker has stopped in order. The same on every runtime. */
export interface RuntimeSeen {
  /** By the name of the shard; children included. */
  readonly shards: Readonly<Record<string, SeenShard>>;
}

/** What was seen of one shard. */
export interface SeenShard {
  /** Every delivery of a record, in order: what came again stands here again. */
  readonly delivered: readonly string[];
  /** What came again, each once. */
  readonly redelivered: readonly string[];
  /** How records were settled, in order: `['first', 'handled']`. */
  readonly settled: readonly (readonly [name: string, how: SettledHow])[];
  /** Of every stored checkpoint, the record it stands at, or SHARD_END. */
  readonly checkpoints: readonly string[];
}
