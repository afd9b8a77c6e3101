/**
 * What passes between the supervisor and the processes that serve shards. Plain data, a line of JSON each; inside one
 * process the same messages are handed over as they are.
 */
import type { ErrorData } from '../runtime/plain-event.js';
import type { Wish, WishAnswer } from '../runtime/orders.js';
import type { ShardStatus } from '../runtime/shard-status.js';

/** `host` serves many shards, `child` one (process mode). */
export type Role = 'host' | 'child';

export type FromHost =
  | { readonly kind: 'hello'; readonly role: Role; readonly name: string; readonly pid: number }
  /** Services are registered, sinks are open: sessions can be served. */
  | { readonly kind: 'ready' }
  /** It cannot serve; `text` is what a user is to see. */
  | { readonly kind: 'failed'; readonly error: ErrorData; readonly text: string }
  | { readonly kind: 'known'; readonly sessionId: string; readonly shardId: string }
  | { readonly kind: 'ended'; readonly sessionId: string; readonly end: SessionEndData }
  /** Where every session stands, by application name; once a second, so that silence means a blocked event loop. */
  | { readonly kind: 'status'; readonly shards: Readonly<Record<string, readonly ShardStatus[]>> }
  /** A handler, the policy or a lasting doubt asks for the end of the worker. */
  | { readonly kind: 'stop'; readonly error: ErrorData }
  /** Its program has a use of its own for SIGUSR1, by which Node's inspector is opened otherwise. */
  | { readonly kind: 'keepsSigusr1' }
  /** To `ask`; without an answer when the record does not wait here. */
  | { readonly kind: 'answer'; readonly askId: number; readonly answer: WishAnswer | undefined };

export type SessionEndData =
  | { readonly kind: 'ended'; readonly why: string }
  | { readonly kind: 'failed'; readonly error: ErrorData };

export type ToHost =
  /** The answer to a host's `hello`: the retention of each stream, by application name. */
  | { readonly kind: 'welcome'; readonly retentionMs: Readonly<Record<string, number | undefined>> }
  | {
      readonly kind: 'attach';
      readonly applicationName: string;
      readonly sessionId: string;
      readonly relay: RelayProcess;
    }
  | { readonly kind: 'doubt'; readonly sessionId: string; readonly why: string }
  | { readonly kind: 'handOff'; readonly sessionId: string }
  | { readonly kind: 'drain'; readonly applicationName: string }
  | { readonly kind: 'leave'; readonly applicationName: string; readonly how: 'afterAction' | 'cut' }
  /** What an operator wants of a record; answered in any case. */
  | {
      readonly kind: 'ask';
      readonly askId: number;
      readonly applicationName: string;
      readonly recordId: string;
      readonly wish: Wish;
    }
  /** Nothing more will come: end when the sessions have ended. */
  | { readonly kind: 'end' };

export interface RelayProcess {
  readonly pid: number;
  /** The clock tick of its start: its id may have passed to another process since. */
  readonly startTick: string;
}
