/**
 * A context of its own for each attempt takes half a microsecond where Node keeps contexts in V8 (24 and later), so handlers that
 * return no promise share one: nothing of theirs runs beside them. What such a handler leaves behind (a timer, a promise that
 * it does not return) finds nobody's attempt, for its record is done. The context is kept by the first attempt that needs it
 * for longer, because a promise came back after all or the record was deferred; whoever owns it drops it then.
 */
import { AsyncResource } from 'node:async_hooks';
import { places, type Attempt, type CallContext, type Place } from './attempt.js';
import { isThenable } from './race.js';

export class SharedContext implements CallContext {
  readonly #place: Place = { attempt: undefined, handler: '' };
  readonly #resource = places.run(this.#place, () => new AsyncResource('MillraceHandler'));

  run(attempt: Attempt, call: () => unknown): unknown {
    const place = this.#place;
    place.attempt = attempt;
    place.handler = attempt.handler;
    let kept = false;
    try {
      const value = this.#resource.runInAsyncScope(call);
      kept = isThenable(value) || attempt.handedOver;
      return value;
    } finally {
      if (!kept) place.attempt = undefined;
    }
  }
}
