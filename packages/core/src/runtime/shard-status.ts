/** What health and the live view say of a session. */
import type { SettledHow } from '../events.js';

/** A record that waits with its shard's progress stopped, for `millrace retry`, `park` and `skip`. */
export interface HeldRecord {
  /** Undefined when no single record holds the shard: a hook does, or too many are started and not settled. */
  readonly recordId: string | undefined;
  readonly why: string;
  /** For so long. */
  readonly heldMs: number;
  /** Milliseconds since it arrived at Kinesis. */
  readonly ageMs: number | undefined;
  /** How often its handler ran. */
  readonly attempts: number;
  readonly error: { readonly name: string; readonly message: string };
}

export interface ShardStatus {
  readonly sessionId: string;
  /** Undefined until `initialize` has come. */
  readonly shardId: string | undefined;
  readonly state: 'starting' | 'ready' | 'running' | 'held' | 'draining' | 'doubt' | 'ended';
  /** What the daemon waits for; undefined between two actions. While it is open nothing else can arrive. */
  readonly action: { readonly name: string; readonly openMs: number } | undefined;
  readonly millisBehindLatest: number | undefined;
  /** Milliseconds since the oldest unsettled record arrived at Kinesis. */
  readonly oldestUnsettledAgeMs: number | undefined;
  readonly unsettled: number;
  readonly settled: Readonly<Record<SettledHow, number>>;
  /** The tumbling window that is open. */
  readonly window: { readonly startMs: number; readonly endMs: number; readonly records: number } | undefined;
  readonly retries: number;
  /** Of the consumer's circuit breaker in this process; undefined when it declares none. */
  readonly circuitBreaker: 'closed' | 'open' | 'halfOpen' | undefined;
  /** What has been held longest. */
  readonly held: { readonly recordId: string | undefined; readonly why: string } | undefined;
  /** What is held, the longest first: at most 20 of `heldCount`. */
  readonly heldRecords: readonly HeldRecord[];
  readonly heldCount: number;
  /** The last position the daemon has stored for this session. */
  readonly checkpoint: { readonly sequenceNumber: string; readonly subSequenceNumber: number } | undefined;
  /** Why the last checkpoint was not written; undefined while checkpoints succeed. */
  readonly checkpointError: string | undefined;
}
