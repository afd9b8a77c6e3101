/** Scenarios that share a daemon meet where one of them wants something that all of them will feel. */

export interface Rendezvous<Wish extends string> {
  /** Resolves when all others have come as well, or have left, and the wish was granted. */
  meet(wish: Wish): Promise<void>;
  /** Comes no more. */
  leave(): void;
}

/** @param grant - is told all wishes of those who met, each once. */
export function openRendezvous<Wish extends string>(
  members: number,
  grant: (wishes: ReadonlySet<Wish>) => Promise<void>,
): Rendezvous<Wish> {
  let away = members;
  let waiting: { readonly wish: Wish; readonly resolve: () => void; readonly reject: (error: unknown) => void }[] = [];

  function check(): void {
    if (away > 0 || waiting.length === 0) return;
    const met = waiting;
    waiting = [];
    away = met.length;
    grant(new Set(met.map(({ wish }) => wish))).then(
      () => met.forEach(({ resolve }) => resolve()),
      (error: unknown) => met.forEach(({ reject }) => reject(error)),
    );
  }
  return {
    meet: (wish) =>
      new Promise((resolve, reject) => {
        away -= 1;
        waiting.push({ wish, resolve, reject });
        check();
      }),
    leave: () => {
      away -= 1;
      check();
    },
  };
}
