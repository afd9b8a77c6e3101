/**
 * Serves the shards that it is told to, for every consumer of the program: in a host process, in the child of one shard,
 * or inside the supervisor itself. It decides nothing about the daemon; it tells what happens.
 */
import { toError } from '../errors.js';
import type { Clock, Logger, Timer } from '../ports.js';
import { LiveSessions, type SessionSetup } from '../runtime/live-sessions.js';
import { plainError } from '../runtime/plain-event.js';
import type { SessionOutcome } from '../runtime/shard-runner.js';
import { attachRelay, endRelay, type AttachedRelay } from './attach-relay.js';
import type { FromHost, SessionEndData, ToHost } from './host-messages.js';

export interface SessionHostOptions {
  /** By application name. */
  readonly consumers: ReadonlyMap<string, SessionSetup>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly tell: (message: FromHost) => void;
}

const STATUS_EVERY_MS = 1_000;

export class SessionHost {
  private readonly sessions: ReadonlyMap<string, LiveSessions>;
  private statusTimer: Timer | undefined;

  constructor(private readonly options: SessionHostOptions) {
    const onKnown = (sessionId: string, shardId: string): void => {
      options.tell({ kind: 'known', sessionId, shardId });
    };
    this.sessions = new Map(
      [...options.consumers].map(([name, setup]) => [name, new LiveSessions({ ...setup, onKnown })]),
    );
    this.tellStatus();
  }

  sessionsOf(applicationName: string): LiveSessions {
    const sessions = this.sessions.get(applicationName);
    if (sessions === undefined) throw new RangeError(`No consumer has the application name ${applicationName}.`);
    return sessions;
  }

  /** Carries out what the supervisor says; `welcome` and `end` are for the process around. */
  take(message: Exclude<ToHost, { kind: 'welcome' | 'end' }>): void {
    switch (message.kind) {
      case 'attach':
        this.attach(message);
        return;
      case 'doubt':
        for (const sessions of this.sessions.values()) sessions.doubt(message.sessionId, message.why);
        return;
      case 'handOff':
        for (const sessions of this.sessions.values()) sessions.handOff(message.sessionId);
        return;
      case 'drain':
        this.sessionsOf(message.applicationName).drain();
        return;
      case 'leave':
        this.sessionsOf(message.applicationName).leave(message.how);
        return;
      case 'ask':
        void this.answer(message);
        return;
      default:
        message satisfies never;
    }
  }

  /** Resolves when every session has ended and disposed what it had. */
  async ended(): Promise<void> {
    await Promise.all([...this.sessions.values()].map((sessions) => sessions.ended()));
  }

  close(): void {
    this.statusTimer?.cancel();
  }

  private attach({ applicationName, sessionId, relay }: Extract<ToHost, { kind: 'attach' }>): void {
    let attached: AttachedRelay;
    try {
      attached = attachRelay(relay);
    } catch (error) {
      endRelay(relay);
      this.options.tell({ kind: 'ended', sessionId, end: { kind: 'failed', error: plainError(toError(error)) } });
      return;
    }
    const { channel } = attached;
    const served = this.sessionsOf(applicationName).serve({ sessionId, channel });
    void served.then((outcome) => {
      attached.release();
      this.options.tell({ kind: 'ended', sessionId, end: endData(outcome) });
    });
  }

  private async answer(ask: Extract<ToHost, { kind: 'ask' }>): Promise<void> {
    await answerAsk(this.sessionsOf(ask.applicationName), ask, this.options.tell);
    // What was decided over must not be shown as held any more.
    if (ask.wish !== 'find') this.tellNow();
  }

  /** At once, beside the regular one. */
  tellNow(): void {
    this.options.tell({ kind: 'status', shards: this.status() });
  }

  private tellStatus(): void {
    this.tellNow();
    this.statusTimer = this.options.clock.setTimer(STATUS_EVERY_MS, () => this.tellStatus());
  }

  private status(): Extract<FromHost, { kind: 'status' }>['shards'] {
    return Object.fromEntries([...this.sessions].map(([name, sessions]) => [name, sessions.status()]));
  }
}

/** What these sessions say of the record, told to whoever asked. */
export async function answerAsk(
  sessions: LiveSessions,
  { askId, recordId, wish }: Extract<ToHost, { kind: 'ask' }>,
  tell: (message: FromHost) => void,
): Promise<void> {
  tell({ kind: 'answer', askId, answer: await sessions.operate(recordId, wish) });
}

export function endData(outcome: SessionOutcome): SessionEndData {
  return outcome.kind === 'ended'
    ? { kind: 'ended', why: outcome.why }
    : { kind: 'failed', error: plainError(outcome.error) };
}
