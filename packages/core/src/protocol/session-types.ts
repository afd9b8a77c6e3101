/** What goes into a shard session, what comes out, and what it remembers. */
import type { Action, CheckpointTarget, DaemonMessage, Position, WorkerMessage } from './messages.js';

export type SessionInput =
  | { readonly kind: 'message'; readonly message: DaemonMessage }
  | { readonly kind: 'endOfInput' }
  /** The runtime asks for a checkpoint. Refused outside an open action with a checkpointer, with one in flight, in doubt, backwards, beyond what was delivered. */
  | { readonly kind: 'checkpoint'; readonly target: CheckpointTarget }
  /** All work of the open action has ended: settled, abandoned, or within the ack-ahead window. */
  | { readonly kind: 'actionDone' }
  | { readonly kind: 'leaseDoubt'; readonly why: string };

export type SessionOutput =
  | { readonly kind: 'send'; readonly message: WorkerMessage }
  /** The runtime must do this action's work and answer with actionDone. */
  | { readonly kind: 'begin'; readonly message: Exclude<DaemonMessage, { kind: 'checkpoint' }> }
  /** Exactly once for every checkpoint sent, unless `ended` or `violation` comes first: then it stays unanswered. */
  | { readonly kind: 'checkpointAnswered'; readonly target: CheckpointTarget; readonly result: CheckpointResult }
  | {
      readonly kind: 'rejected';
      readonly input: SessionInput['kind'];
      readonly code: Rejection;
      readonly detail: string;
    }
  | { readonly kind: 'leaseDoubt'; readonly why: string }
  | { readonly kind: 'ended'; readonly why: 'leaseLost' | 'shardEnded' | 'endOfInput' }
  /** The daemon broke the protocol: the session cannot go on. */
  | { readonly kind: 'violation'; readonly detail: string };

export type CheckpointResult =
  | { readonly kind: 'ok' }
  /** Throttling, dependency errors and every name we do not know (S8): try again with backoff. */
  | { readonly kind: 'retryable'; readonly error: string }
  /** ShutdownException: the lease belongs to somebody else (S4). */
  | { readonly kind: 'leaseLost'; readonly error: string }
  /** IllegalArgumentException, InvalidStateException: trying the same again cannot help. */
  | { readonly kind: 'refused'; readonly error: string };

export type Rejection =
  | 'NO_OPEN_ACTION'
  | 'NO_CHECKPOINTER'
  | 'CHECKPOINT_IN_FLIGHT'
  | 'IN_DOUBT'
  | 'NOT_A_SEQUENCE_NUMBER'
  | 'BEYOND_DELIVERED'
  | 'BACKWARDS'
  | 'SHARD_END_ONLY_AT_SHARD_END'
  | 'POSITION_AT_SHARD_END'
  | 'SHARD_END_NOT_CHECKPOINTED'
  | 'ENDED';

export interface SessionSettings {
  /**
   * validateSequenceNumberBeforeCheckpointing: KCL 3 ignores it, so the range is checked here, before anything is sent.
   * `false` leaves only the comparison with the position the session started at to the daemon.
   */
  readonly validateSequenceNumber: boolean;
}

/** What a session knows from initialize to its end. */
export interface Ledger {
  readonly lease: 'held' | 'inDoubt';
  /** Where the session started; undefined for a sentinel. */
  readonly initial: Position | undefined;
  /** The largest position delivered so far. */
  readonly delivered: Position | undefined;
  readonly lastCheckpoint: LastCheckpoint;
}

/** The checkpoint sent last and what became of it; a failed one may be sent again, a stored one may not. */
export type LastCheckpoint =
  | { readonly kind: 'none' }
  | { readonly kind: 'stored'; readonly target: CheckpointTarget }
  | { readonly kind: 'failed'; readonly target: CheckpointTarget };

export type SessionState =
  /** Waits for initialize. */
  | { readonly kind: 'starting'; readonly ledger: Ledger }
  /** Between two actions: nothing may be written. */
  | { readonly kind: 'idle'; readonly ledger: Ledger }
  | { readonly kind: 'working'; readonly ledger: Ledger; readonly action: Action }
  | {
      readonly kind: 'checkpointing';
      readonly ledger: Ledger;
      readonly action: Action;
      readonly target: CheckpointTarget;
    }
  /** The action's work is done; its status waits for the answer to the checkpoint. */
  | { readonly kind: 'finishing'; readonly ledger: Ledger; readonly action: Action; readonly target: CheckpointTarget }
  | { readonly kind: 'ended'; readonly why: 'leaseLost' | 'shardEnded' | 'endOfInput' | 'violation' };

export interface Step {
  readonly state: SessionState;
  readonly outputs: readonly SessionOutput[];
}
