/** Hands the events of sessions to whoever listens: the user's observer, the diagnostics channel, the counters. */
import { sessionChannel } from './diagnostics.js';
import type { SessionEvent } from './events.js';
import type { Observer } from './ports.js';

export class SessionEvents implements Observer {
  private onSessionEnded: (() => void) | undefined;

  constructor(private readonly user: Observer | undefined) {}

  /** Undefined while nobody listens, so that no event is even built. Ask each time: subscribers of the channel come and go. */
  get observer(): Observer | undefined {
    const heard = this.user !== undefined || this.onSessionEnded !== undefined || sessionChannel.hasSubscribers;
    return heard ? this : undefined;
  }

  get records(): boolean {
    return this.user?.records === true || sessionChannel.hasSubscribers;
  }

  /** Called at the end of each session while it still can be asked what it counted. */
  whenSessionEnds(listener: () => void): void {
    this.onSessionEnded = listener;
  }

  onEvent(event: SessionEvent): void {
    if (sessionChannel.hasSubscribers) sessionChannel.publish(event);
    if (event.kind === 'sessionEnded') this.onSessionEnded?.();
    // Last: it is the one that may throw, which the reporter logs.
    if (this.user !== undefined && (this.user.records || !isOfRecord(event))) this.user.onEvent(event);
  }
}

function isOfRecord(event: SessionEvent): boolean {
  return 'partitionKey' in event;
}
