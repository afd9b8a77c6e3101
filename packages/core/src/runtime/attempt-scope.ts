/** The services of one attempt: a scope inside the lease's, opened when one is asked for and disposed with the attempt. */
import type { ServiceToken } from '../definition/context.js';
import { MillraceError } from '../errors.js';
import type { Scope } from '../ports.js';
import type { Attempt } from './attempt.js';
import type { SessionParts } from './session-parts.js';
import { closeShardScope } from './shard-scope.js';

export class AttemptScope {
  readonly #parts: Pick<SessionParts, 'scope' | 'ports' | 'report'>;
  readonly #attempt: Attempt;
  #opening: Promise<Scope> | undefined;
  #closed = false;

  constructor(parts: Pick<SessionParts, 'scope' | 'ports' | 'report'>, attempt: Attempt) {
    this.#parts = parts;
    this.#attempt = attempt;
  }

  async resolve<T>(token: ServiceToken<T>): Promise<T> {
    if (!this.#attempt.open || this.#closed) {
      const message =
        'The scope of an attempt is disposed when its handler has ended; nothing can be resolved in it any more.';
      throw new MillraceError('CONTEXT_EXPIRED', message, { details: { recordId: this.#attempt.recordId } });
    }
    if (this.#opening === undefined) {
      this.#opening = this.#open();
      this.#attempt.beforeEnd(() => this.#close());
    }
    const scope = await this.#opening;
    return scope.resolve<T>(token);
  }

  async #open(): Promise<Scope> {
    const { scope } = this.#parts;
    if (scope.openChild !== undefined) return scope.openChild();
    const message =
      'context.resolve() needs a container whose scopes have openChild(); the one that was passed as `container` has none.';
    throw new MillraceError('INJECTION_FAILED', message);
  }

  async #close(): Promise<void> {
    this.#closed = true;
    // What did not open was told to whoever asked for it.
    const scope = await this.#opening?.catch(() => undefined);
    if (scope === undefined) return;
    const failed = await closeShardScope(scope, this.#parts.ports.clock);
    if (failed === undefined) return;
    const { handler, recordId } = this.#attempt;
    this.#parts.report.log.error(
      { err: failed, handler, recordId },
      'The services of an attempt were not disposed cleanly.',
    );
  }
}
