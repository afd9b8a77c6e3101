/**
 * Which code of the user runs now: `idle()` waits for it, and names it when that takes too long. Handlers and hooks are
 * called through here and otherwise left as they are.
 */
import type { BatchItem, ConsumerDefinition, ConsumerRecord, Handler, Hook, Hooks, SessionEvent } from '@millrace/core';

export interface UserCall {
  readonly sessionId: string;
  /** `OrderMailer.placed` */
  readonly name: string;
  /** The record, or the first of the batch; undefined for hooks. */
  readonly recordId: string | undefined;
  /** Virtual milliseconds since the bed opened. */
  readonly sinceMs: number;
}

export interface UserCodeOptions {
  readonly elapsedMs: () => number;
  /** The session that serves a shard now. */
  readonly sessionOf: (shardId: string) => string;
  /** The process that serves the shard has died: no code of the user runs in it any more. */
  readonly isDead: (shardId: string) => boolean;
  /** A record is about to be given to a handler. */
  readonly onHanded: (record: ConsumerRecord) => void;
}

export class UserCode {
  readonly #options: UserCodeOptions;
  readonly #running = new Set<UserCall>();
  #changes = 0;

  constructor(options: UserCodeOptions) {
    this.#options = options;
  }

  /** Grows with every call that begins or ends. */
  get changes(): number {
    return this.#changes;
  }

  running(sessionId: string): readonly UserCall[] {
    return [...this.#running].filter((call) => call.sessionId === sessionId);
  }

  /** A handler that ignores its aborted signal is waited for no longer: its shard is held because of it. */
  stuck(event: Extract<SessionEvent, { kind: 'stuck' }>): void {
    for (const call of this.running(event.sessionId)) {
      if (call.name === event.handler && call.recordId === event.recordId) this.#end(call);
    }
  }

  watch(definition: ConsumerDefinition): ConsumerDefinition {
    const { name, handlers, hooks } = definition;
    // Watching a handler does not change its kind, so a batch handler stays the only one.
    return {
      ...definition,
      handlers: handlers.map((handler) => this.#handler(name, handler)) as unknown as ConsumerDefinition['handlers'],
      hooks: this.#hooks(name, hooks),
    };
  }

  #handler(consumer: string, handler: Handler): Handler {
    const name = `${consumer}.${handler.name}`;
    switch (handler.kind) {
      case 'record':
      case 'window':
        return {
          ...handler,
          call: (instance, payload, context) => {
            const { shardId, record } = context as { readonly shardId: string; readonly record: ConsumerRecord };
            if (this.#options.isDead(shardId)) return never();
            this.#options.onHanded(record);
            return this.#observe({ name, shardId, recordId: record.id }, () =>
              handler.call(instance, payload, context),
            );
          },
        };
      case 'batch':
        return {
          ...handler,
          call: (instance, batch, context) => {
            const { shardId } = context as { readonly shardId: string };
            const items = batch as readonly BatchItem<unknown>[];
            if (this.#options.isDead(shardId)) return never();
            for (const { record } of items) this.#options.onHanded(record);
            const facts = { name, shardId, recordId: items[0]?.record.id };
            return this.#observe(facts, () => handler.call(instance, batch, context));
          },
        };
      default:
        return handler satisfies never;
    }
  }

  #hooks(consumer: string, hooks: Hooks): Hooks {
    const watched = (hook: Hook | undefined): Hook | undefined => hook && this.#hook(consumer, hook);
    return {
      initialize: watched(hooks.initialize),
      shardEnd: watched(hooks.shardEnd),
      leaseLost: watched(hooks.leaseLost),
      shutdownRequested: watched(hooks.shutdownRequested),
    };
  }

  #hook(consumer: string, hook: Hook): Hook {
    const name = `${consumer}.${hook.name}`;
    return {
      name: hook.name,
      call: (instance, context) => {
        const { shardId } = context as { readonly shardId: string };
        return this.#observe({ name, shardId, recordId: undefined }, () => hook.call(instance, context));
      },
    };
  }

  #observe(facts: Pick<UserCall, 'name' | 'recordId'> & { readonly shardId: string }, run: () => unknown): unknown {
    const { name, recordId, shardId } = facts;
    const { elapsedMs, sessionOf, isDead } = this.#options;
    // It may have died just now, when the record was about to be given to it.
    if (isDead(shardId)) return never();
    const call: UserCall = { name, recordId, sessionId: sessionOf(shardId), sinceMs: elapsedMs() };
    this.#running.add(call);
    this.#changes += 1;
    let result: unknown;
    try {
      result = run();
    } catch (error) {
      this.#end(call);
      throw error;
    }
    const ended = (): void => this.#end(call);
    if (isThenable(result)) result.then(ended, ended);
    else ended();
    return result;
  }

  #end(call: UserCall): void {
    if (this.#running.delete(call)) this.#changes += 1;
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}

/** What a dead process does next; one for each call, because a promise keeps whoever waits for it. */
function never(): Promise<never> {
  return new Promise(() => undefined);
}
