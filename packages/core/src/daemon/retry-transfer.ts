/** Another attempt after a failure on the way, none after one that would only repeat itself. */
import { MillraceError } from '../errors.js';
import { backoffMs } from '../policy/retry.js';
import type { Clock, Random } from '../ports.js';
import { sleepUntilAborted } from '../runtime/race.js';
import type { MavenRepository } from './maven-repository.js';

export interface TransferPorts {
  readonly repository: MavenRepository;
  readonly clock: Clock;
  readonly random: Random;
  readonly signal: AbortSignal;
}

/** `why` is a sentence without its full stop. */
export type Outcome<T> =
  | { readonly kind: 'done'; readonly value: T }
  /** Something came, and it is not what was asked for. */
  | { readonly kind: 'wrong'; readonly why: string }
  | { readonly kind: 'passing'; readonly why: string; readonly retryAfterMs: number | undefined }
  | { readonly kind: 'final'; readonly why: string };

const ATTEMPTS = 5;
/** Damage on the way happens; a repository that has other bytes twice simply has other bytes. */
const ATTEMPTS_OF_WRONG_CONTENT = 2;
const BACKOFF = { initialDelayMs: 500, maxDelayMs: 10_000, factor: 2 };
const RETRY_AFTER_MAX_MS = 60_000;

/**
 * @param name - of the file, for messages.
 * @returns undefined when the signal aborted.
 * @throws MillraceError DOWNLOAD_FAILED, or JAR_REFUSED when the content is wrong twice.
 */
export async function retryTransfer<T>(
  name: string,
  tryOnce: () => Promise<Outcome<T>>,
  { clock, random, signal }: TransferPorts,
): Promise<T | undefined> {
  let wrong = 0;
  for (let attempt = 1; ; attempt += 1) {
    const outcome = await tryOnce();
    if (outcome.kind === 'done') return outcome.value;
    if (signal.aborted) return undefined;
    wrong += outcome.kind === 'wrong' ? 1 : 0;
    if (wrong === ATTEMPTS_OF_WRONG_CONTENT) {
      throw new MillraceError('JAR_REFUSED', `${name} was not taken: ${outcome.why}.`, { details: { file: name } });
    }
    if (outcome.kind === 'final') throw notDownloaded(name, outcome.why);
    if (attempt === ATTEMPTS) throw notDownloaded(name, `${outcome.why} (attempt ${ATTEMPTS} of ${ATTEMPTS})`);
    const asked = outcome.kind === 'passing' ? (outcome.retryAfterMs ?? 0) : 0;
    const delayMs = Math.max(backoffMs(BACKOFF, attempt, random), Math.min(asked, RETRY_AFTER_MAX_MS));
    if (!(await sleepUntilAborted(clock, delayMs, signal))) return undefined;
  }
}

function notDownloaded(name: string, why: string): MillraceError {
  return new MillraceError('DOWNLOAD_FAILED', `${name} was not downloaded: ${why}.`, { details: { file: name } });
}
