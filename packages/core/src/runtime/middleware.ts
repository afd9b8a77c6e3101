/**
 * One middleware around what stands behind it. Whatever it does wrong, a record must neither count as handled although its
 * handler did not run or still runs, nor run twice at once:
 *
 * M1 It calls `next()` once, or `next.skip()`; anything else fails the record.
 * M2 It ends after what it called has ended, whether it waited for that or not, and a failure that comes after it
 *    returned is the record's.
 * M3 Nothing starts through `next()` once it has ended, or once the attempt's signal has aborted.
 */
import type { HandlerContext, Middleware, Next } from '../definition/middleware.js';
import { MillraceError } from '../errors.js';

/** A handler, or a middleware with all that stands behind it. */
export type Call = (payload: unknown, context: HandlerContext) => unknown;

/** What comes back in place of the handler's value when it was left out on purpose. */
export class LeftOut {
  readonly how: 'skipped' | 'deduplicated';
  readonly why: string;

  constructor(how: LeftOut['how'], why: string) {
    this.how = how;
    this.why = why;
  }
}

export interface NamedMiddleware {
  /** For messages. */
  readonly name: string;
  readonly handle: Middleware;
}

/** The middleware and, through its `next`, the inner call; gives what the inner call gave. */
export function around(middleware: NamedMiddleware, inner: Call): Call {
  return (payload, context) => new Passage(middleware, context, () => inner(payload, context)).run();
}

type Inner =
  | { readonly kind: 'none' }
  | { readonly kind: 'skipped'; readonly leftOut: LeftOut }
  | { readonly kind: 'running'; readonly ended: Promise<void> }
  | { readonly kind: 'returned'; readonly value: unknown }
  | { readonly kind: 'threw'; readonly error: unknown };

class Passage {
  readonly #middleware: NamedMiddleware;
  readonly #context: HandlerContext;
  readonly #call: () => unknown;
  #inner: Inner = { kind: 'none' };
  #misuse: MillraceError | undefined;
  #over = false;

  constructor(middleware: NamedMiddleware, context: HandlerContext, call: () => unknown) {
    this.#middleware = middleware;
    this.#context = context;
    this.#call = call;
  }

  async run(): Promise<unknown> {
    const next: Next = Object.assign(() => this.#next(), { skip: (why: string) => this.#skip(why) });
    try {
      await this.#middleware.handle(this.#context, next);
    } catch (error) {
      this.#over = true;
      // Its own error is the record's; that of the inner call, which may still come, is not needed any more.
      if (this.#inner.kind === 'running') await this.#inner.ended.catch(() => undefined);
      throw error;
    }
    this.#over = true;
    if (this.#inner.kind === 'running') await this.#inner.ended;
    if (this.#misuse !== undefined) throw this.#misuse;
    return this.#outcome();
  }

  #outcome(): unknown {
    switch (this.#inner.kind) {
      case 'none':
        throw this.#misused('has returned and called neither next() nor next.skip(why), so the handler has not run.');
      case 'skipped':
        return this.#inner.leftOut;
      case 'returned':
        return this.#inner.value;
      case 'running':
      case 'threw':
        // It had the error in its hands before it returned, and decided that it is none.
        return undefined;
      default:
        return this.#inner satisfies never;
    }
  }

  #next(): Promise<void> {
    const wrong = this.#wrongMoment();
    if (wrong !== undefined) return Promise.reject(wrong);
    const { signal } = this.#context;
    if (signal.aborted) return Promise.reject(signal.reason);
    const ended = runAsync(this.#call).then(
      (value) => {
        this.#inner = { kind: 'returned', value };
      },
      (error: unknown) => {
        this.#inner = { kind: 'threw', error };
        throw error;
      },
    );
    this.#inner = { kind: 'running', ended };
    return ended;
  }

  #skip(why: string): void {
    const wrong = this.#wrongMoment();
    if (wrong !== undefined) throw wrong;
    this.#inner = { kind: 'skipped', leftOut: new LeftOut('skipped', why) };
  }

  #wrongMoment(): MillraceError | undefined {
    if (this.#over) return this.#misused('has called next() after it had ended; nothing runs then.');
    if (this.#inner.kind === 'none') return undefined;
    this.#misuse ??= this.#misused(
      'has called next() or next.skip() a second time; a handler runs once in an attempt.',
    );
    return this.#misuse;
  }

  #misused(what: string): MillraceError {
    const { name } = this.#middleware;
    return new MillraceError('MIDDLEWARE_MISUSED', `The middleware ${name} ${what}`, { details: { middleware: name } });
  }
}

/** A synchronous throw becomes a rejection. */
async function runAsync(call: () => unknown): Promise<unknown> {
  return call();
}
