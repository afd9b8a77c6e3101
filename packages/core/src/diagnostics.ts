/**
 * Channels of `node:diagnostics_channel` that tools can listen on without a line in the program. Publishing is in order and
 * in the middle of the work: a subscriber must be quick and must not throw. Without one, nothing is built or called.
 */
import { channel, type Channel } from 'node:diagnostics_channel';
import type { SessionEvent } from './events.js';

/** What the supervisor tells of Amazon's daemon. `at` is in milliseconds since the epoch. */
export type DaemonEvent = DaemonEventCommon &
  (
    | { readonly kind: 'starting' }
    /** Its first session has opened: it owns a lease. */
    | { readonly kind: 'serving'; readonly workerId: string }
    | { readonly kind: 'stopping' }
    | {
        readonly kind: 'exited';
        readonly code: number | null;
        readonly signal: string | null;
        /** True when the worker had asked for the end. */
        readonly asked: boolean;
      }
    | { readonly kind: 'restarting'; readonly delayMs: number; readonly why: string }
    /** It ended too often; the worker ends with `error`. */
    | { readonly kind: 'gaveUp'; readonly error: Error }
  );

interface DaemonEventCommon {
  readonly at: number;
  readonly applicationName: string;
}

/** What the supervisor tells of a process that serves shards. `at` is in milliseconds since the epoch. */
export type HostEvent = HostEventCommon &
  (
    | { readonly kind: 'started' }
    | { readonly kind: 'ready' }
    /** Its event loop stands still; `stack` tells where, if that could be found out. */
    | { readonly kind: 'blocked'; readonly silentMs: number; readonly stack: string | undefined }
    /** It answers again after it was blocked. */
    | { readonly kind: 'responding'; readonly silentMs: number }
    | {
        readonly kind: 'exited';
        readonly code: number | null;
        readonly signal: string | null;
        readonly asked: boolean;
      }
  );

interface HostEventCommon {
  readonly at: number;
  readonly hostId: string;
  readonly pid: number;
}

/** The names of the channels, and what is published on each. */
export interface DiagnosticsMessages {
  readonly 'millrace:session': SessionEvent;
  readonly 'millrace:daemon': DaemonEvent;
  readonly 'millrace:host': HostEvent;
}

/** A channel that knows its messages. Ask `hasSubscribers` before building one that costs something. */
export interface DiagnosticsChannel<Message> {
  readonly hasSubscribers: boolean;
  publish(message: Message): void;
}

export const sessionChannel = typedChannel('millrace:session');
export const daemonChannel = typedChannel('millrace:daemon');
export const hostChannel = typedChannel('millrace:host');

function typedChannel<Name extends keyof DiagnosticsMessages>(
  name: Name,
): DiagnosticsChannel<DiagnosticsMessages[Name]> {
  const untyped: Channel = channel(name);
  return untyped;
}
