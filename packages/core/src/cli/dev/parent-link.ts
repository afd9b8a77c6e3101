/** The worker's side of the channel to `millrace dev`. When the parent is gone, however it went, the worker ends in order. */
import type { PlainSessionEvent } from '../../runtime/plain-event.js';
import type { FromWorker, ToWorker } from './dev-events.js';

/** What is used of `process`. */
export interface ParentProcess {
  readonly connected: boolean;
  send?(message: FromWorker, done: (error: Error | null) => void): boolean;
  on(event: 'message', listener: (message: ToWorker) => void): unknown;
  on(event: 'disconnect', listener: () => void): unknown;
}

/** Messages on their way to a parent that does not read them are kept in memory; so many at most. */
const BACKLOG_MAX = 10_000;

export class ParentLink {
  /** Aborts when the parent asks for the end, or is gone. */
  readonly stop: AbortSignal;
  private readonly stopping = new AbortController();
  private readonly waiting: ((message: ToWorker) => void)[] = [];
  private backlog = 0;
  private dropped = 0;

  constructor(private readonly parent: ParentProcess) {
    this.stop = this.stopping.signal;
    parent.on('message', (message) => {
      if (message.kind === 'stop') this.stopping.abort();
      else this.waiting.shift()?.(message);
    });
    parent.on('disconnect', () => this.stopping.abort());
  }

  /** The next message that is no request to stop. Ask before sending what it answers. */
  next(): Promise<ToWorker> {
    return new Promise((resolve) => {
      this.waiting.push(resolve);
    });
  }

  /** Resolves when the message has left, or nobody is there to take it. */
  send(message: FromWorker): Promise<void> {
    const { parent } = this;
    if (!parent.connected || parent.send === undefined) return Promise.resolve();
    this.backlog += 1;
    return new Promise((resolve) => {
      // A parent that just died is noticed by `disconnect`; the error says nothing more.
      parent.send?.(message, () => {
        this.backlog -= 1;
        resolve();
      });
    });
  }

  /** Never waits and never fails; drops events when the parent does not keep up, and says how many. */
  sendEvent(event: PlainSessionEvent): void {
    if (this.backlog >= BACKLOG_MAX) {
      this.dropped += 1;
      return;
    }
    if (this.dropped > 0) void this.send({ kind: 'eventsDropped', count: this.dropped });
    this.dropped = 0;
    void this.send({ kind: 'session', event });
  }
}
