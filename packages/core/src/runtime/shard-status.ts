/** What health and the live view say of a session. */
import type { SettledHow } from '../events.js';

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
  readonly retries: number;
  /** Of the consumer's circuit breaker in this process; undefined when it declares none. */
  readonly circuitBreaker: 'closed' | 'open' | 'halfOpen' | undefined;
  readonly held: { readonly recordId: string | undefined; readonly why: string } | undefined;
  /** The last position the daemon has stored for this session. */
  readonly checkpoint: { readonly sequenceNumber: string; readonly subSequenceNumber: number } | undefined;
  /** Why the last checkpoint was not written; undefined while checkpoints succeed. */
  readonly checkpointError: string | undefined;
}
