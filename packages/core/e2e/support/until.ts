/** Waiting for other processes: polling, with a deadline that only a defect reaches. */
import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 250;

/**
 * Resolves with what `look` gives as soon as that is neither undefined nor false.
 *
 * @param what - continues "Waited in vain for ".
 * @param last - tells how things stood, for the error.
 */
export async function until<T>(
  what: string,
  look: () => T | undefined | false | Promise<T | undefined | false>,
  { withinMs = 120_000, pollMs = POLL_MS, last }: { withinMs?: number; pollMs?: number; last?: () => string } = {},
): Promise<T> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > deadline)
      throw new Error(`Waited ${withinMs} ms in vain for ${what}.${last === undefined ? '' : `\n${last()}`}`);
    await sleep(pollMs);
  }
}
