/** What happened in a session, as plain data: the live view, the test history, health and metrics all read these. */

export interface PositionData {
  readonly sequenceNumber: string;
  readonly subSequenceNumber: number;
}

export type SettledHow = 'handled' | 'parked' | 'skipped' | 'filtered' | 'deduplicated';

/** What is common: `sessionId` names the session (two sessions of one shard can be alive at once), `at` is Clock.now(). */
interface Common {
  readonly at: number;
  readonly sessionId: string;
  readonly shardId: string;
}

interface OneRecord extends Common {
  /** `shardId:sequenceNumber:subSequenceNumber` */
  readonly recordId: string;
  readonly partitionKey: string;
  /** What it is ordered by, when that is not its partition key (`@Concurrency`). */
  readonly lane?: string;
}

export type SessionEvent =
  | (Common & {
      readonly kind: 'sessionStarted';
      readonly sequenceNumber: string | undefined;
      readonly subSequenceNumber: number;
    })
  | (Common & { readonly kind: 'sessionReady' })
  | (Common & { readonly kind: 'delivered'; readonly records: number; readonly millisBehindLatest: number | undefined })
  | (Common & { readonly kind: 'acknowledged'; readonly action: string; readonly unsettled: number })
  | (Common & {
      readonly kind: 'progress';
      readonly settled: Readonly<Record<SettledHow, number>>;
      readonly retries: number;
    })
  | (Common & {
      readonly kind: 'held';
      readonly recordId: string | undefined;
      readonly why: string;
      readonly error: Error;
    })
  | (Common & { readonly kind: 'released'; readonly recordId: string | undefined })
  /** By an operator, for a record that waits. */
  | (Common & { readonly kind: 'ordered'; readonly recordId: string; readonly order: 'retry' | 'park' | 'skip' })
  | (Common & {
      readonly kind: 'stuck';
      readonly recordId: string | undefined;
      readonly handler: string;
      readonly runningMs: number;
    })
  | (Common & { readonly kind: 'checkpointRequested'; readonly target: PositionData | 'SHARD_END' })
  | (Common & {
      readonly kind: 'checkpointAnswered';
      readonly target: PositionData | 'SHARD_END';
      readonly error: string | undefined;
    })
  /** The circuit breaker that all sessions of the consumer in this process share; each of them tells it. */
  | (Common & { readonly kind: 'circuitBreaker'; readonly state: 'closed' | 'open' | 'halfOpen' })
  | (Common & { readonly kind: 'leaseDoubt'; readonly why: string })
  | (Common & { readonly kind: 'draining'; readonly reason: string })
  | (Common & { readonly kind: 'sessionEnded'; readonly why: string; readonly abandoned: number })
  /** A tumbling window is over and its state is where it belongs, or was skipped as its policy says. */
  | (Common & {
      readonly kind: 'windowEmitted';
      readonly how: 'handled' | 'skipped';
      /** `shardId:startMs:sequenceNumber:subSequenceNumber` of its first record. */
      readonly id: string;
      readonly startMs: number;
      readonly endMs: number;
      readonly records: number;
      readonly last: PositionData;
      readonly closedBy: 'record' | 'clock' | 'shardEnd';
    })
  // single records, only for observers with `records: true`
  | (OneRecord & { readonly kind: 'handlerStarted'; readonly handler: string; readonly attempt: number })
  | (OneRecord & {
      readonly kind: 'handlerEnded';
      readonly handler: string;
      readonly attempt: number;
      readonly error: Error | undefined;
    })
  | (OneRecord & {
      readonly kind: 'retryScheduled';
      readonly attempt: number;
      readonly delayMs: number;
      readonly error: Error;
    })
  | (OneRecord & {
      readonly kind: 'recordSettled';
      readonly how: SettledHow;
      readonly attempts: number;
      readonly error: Error | undefined;
    })
  /** It is part of an open window's state; it settles when the window is emitted. */
  | (OneRecord & { readonly kind: 'recordAbsorbed' })
  /** Its handler took a `defer()` handle: from here on the handle decides over the record. */
  | (OneRecord & { readonly kind: 'recordDeferred' })
  | (OneRecord & { readonly kind: 'recordAbandoned'; readonly why: string });
