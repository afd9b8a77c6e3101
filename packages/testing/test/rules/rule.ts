/** What a rule of the daemon is in the pack: a sentence, and a scenario as plain data that shows it on every runtime. */

/** Where a checkpoint is asked for; undefined asks without any number. */
export type At =
  /** `sub: 'none'` leaves the sub-sequence number out, a number takes its place. */
  | { readonly record: string; readonly sub?: 'none' | number }
  /** One above the record's sequence number: the daemon has delivered nothing there. */
  | { readonly beyond: string }
  | { readonly text: string };

/** What a child does in an action. Without `acknowledge` or `keepSilent` its status comes after the last deed. */
export type Deed =
  /** Asks, and waits for the answer. */
  | { readonly kind: 'checkpoint'; readonly at?: At }
  /** Asks, and does not wait. */
  | { readonly kind: 'ask'; readonly at?: At }
  /** Waits until all that was asked is answered. */
  | { readonly kind: 'reply' }
  /** @param asks - the line is a checkpoint, whatever else it is. */
  | { readonly kind: 'say'; readonly line: string; readonly asks?: boolean }
  | { readonly kind: 'acknowledge' }
  | { readonly kind: 'keepSilent' }
  | { readonly kind: 'hold'; readonly until: string }
  | { readonly kind: 'pause'; readonly ms: number }
  | { readonly kind: 'die' };

export type Action = 'initialize' | 'processRecords' | 'shutdownRequested' | 'leaseLost' | 'shardEnded';

/** By action, what is done at its first time, its second time... */
export type Script = Partial<Readonly<Record<Action, readonly (readonly Deed[])[]>>>;

/** The name of a record, or those of the user records of one KPL aggregate, which may be damaged. Names differ within a scenario. */
export type Put = string | readonly string[] | { readonly damaged: readonly string[] };

/** As the Java classes are called. */
export type Refusal = 'ThrottlingException' | 'KinesisClientLibDependencyException' | 'InvalidStateException';

export type Move =
  /** One batch. @param until - `answered` by default; `queued` waits for nothing of the child. */
  | {
      readonly kind: 'deliver';
      readonly shard: string;
      readonly records: readonly Put[];
      readonly until?: 'answered' | 'delivered' | 'queued';
    }
  /** Until the child's present life has this line. */
  | { readonly kind: 'await'; readonly shard: string; readonly line: string }
  /** No process has come for this shard yet. */
  | { readonly kind: 'silent'; readonly shard: string }
  | { readonly kind: 'release'; readonly gate: string }
  /** The store refuses the shard's checkpoints, until `recover`. */
  | { readonly kind: 'refuse'; readonly shard: string; readonly error: Refusal }
  | { readonly kind: 'recover'; readonly shard: string }
  /** Another worker takes the lease. */
  | { readonly kind: 'loseLease'; readonly shard: string }
  /** Another worker asks for it, and waits until it is given. */
  | { readonly kind: 'handOver'; readonly shard: string }
  /** Its children are `<shard>.1` and `<shard>.2`. */
  | { readonly kind: 'split'; readonly shard: string }
  /** Two neighbours; their child is `<shard>+<other>`. */
  | { readonly kind: 'merge'; readonly shard: string; readonly other: string }
  /** A quiet shard's empty batch; a real daemon sends them by itself. */
  | { readonly kind: 'heartbeat'; readonly shard: string }
  /** The worker is asked to stop, and another one starts. */
  | { readonly kind: 'restart' }
  /** The worker is killed, and another one starts. */
  | { readonly kind: 'kill' }
  /** Until the worker has ended by itself. */
  | { readonly kind: 'failure' };

export interface DaemonProperties {
  readonly timeoutInSeconds?: number;
  readonly callProcessRecordsEvenForEmptyRecordList?: true;
  readonly initialPositionInStream?: 'LATEST';
}

export interface Scenario {
  readonly shards: readonly string[];
  /** By shard, a script for each life of its child. @defaultValue an obedient child */
  readonly scripts?: Readonly<Record<string, readonly Script[]>>;
  /** Of the daemon, besides the pack's own. */
  readonly properties?: DaemonProperties;
  readonly moves: readonly Move[];
  readonly expected: Seen;
}

/** What a runtime shows: the same shape from all of them. Positions are told by the names of records. */
export interface Seen {
  /** By shard, what each life of its child has read (`>`) and written (`<`). */
  readonly dialogues: Readonly<Record<string, readonly (readonly string[])[]>>;
  /** By shard, the stored checkpoint; `nothing` for a lease that still stands at its initial position. */
  readonly stored: Readonly<Record<string, string>>;
  /** Whether the worker still serves its shards, or has ended by itself. */
  readonly worker: 'serving' | 'failed';
}

export interface Rule {
  /** The name of its test on every runtime. */
  readonly id: string;
  /** A sentence of the documentation. */
  readonly says: string;
  readonly scenario: Scenario;
  /** Why Amazon's daemon is not asked in our suites, and what shows the rule instead. */
  readonly notOnDaemon?: string;
}

/** How a first life begins. */
export const START = ['> initialize at TRIM_HORIZON', '< status initialize'];
