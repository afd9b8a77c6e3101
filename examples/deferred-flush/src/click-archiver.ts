import {
  KinesisConsumer,
  OnRecord,
  OnShardEnd,
  OnShutdownRequested,
  type Deferred,
  type RecordContext,
  type ShardContext,
} from '@millrace/core';
import { Archive } from './archive.js';
import { Click } from './click.js';

/** Clicks of one file. The first one's context is good until its click is settled: log, clock, and the signal of the lease. */
interface File {
  readonly context: RecordContext;
  readonly clicks: { readonly line: string; readonly deferred: Deferred }[];
}

const CLICKS_MAX = 500;
const OPEN_MAX_MS = 10_000;
const RETRY_INITIAL_DELAY_MS = 200;
const RETRY_MAX_DELAY_MS = 30_000;

/**
 * Writes clicks as files of up to 500, at the latest ten seconds after the first of them. A click is settled when its
 * file is in the archive and not before, so no checkpoint covers a click that exists in memory only.
 */
@KinesisConsumer('clicks', 'click-archiver', { maxInFlight: 5_000 })
export class ClickArchiver {
  #open: File | undefined;
  #written: Promise<void> = Promise.resolve();

  constructor(private readonly archive: Archive) {}

  /** Takes the record out of the handler's hands and returns at once; `deferred.done()` settles it. */
  @OnRecord({ schema: Click })
  clicked(click: Click, context: RecordContext): void {
    if (this.#open === undefined) {
      this.#open = { context, clicks: [] };
      void this.#closeLater(this.#open);
    }
    this.#open.clicks.push({ line: JSON.stringify({ id: context.record.id, ...click }), deferred: context.defer() });
    if (this.#open.clicks.length === CLICKS_MAX) void this.#close(this.#open);
  }

  /** Without this, a quiet shard would wait ten seconds for its end, and a stopping worker would give its clicks up. */
  @OnShardEnd()
  @OnShutdownRequested()
  async flush(): Promise<void> {
    if (this.#open !== undefined) void this.#close(this.#open);
    await this.#written;
  }

  async #closeLater(file: File): Promise<void> {
    await pause(file.context, OPEN_MAX_MS);
    if (this.#open === file) await this.#close(file);
  }

  /** One file after the other, so that a slow archive is not asked for ten at once. */
  #close(file: File): Promise<void> {
    this.#open = undefined;
    this.#written = this.#written.then(() => this.#write(file));
    return this.#written;
  }

  /**
   * An archive that is down is no fault of the clicks: it is asked until it answers, or until the lease ends, and then the
   * clicks belong to the next owner of the shard. Meanwhile they stay unsettled, and when `maxInFlight` of them wait, the
   * shard is held and health says so.
   */
  async #write({ clicks, context }: File): Promise<void> {
    const name = `${context.record.id.replaceAll(':', '-')}.jsonl`;
    const lines = clicks.map(({ line }) => line);
    const { signal } = context;
    for (let delayMs = RETRY_INITIAL_DELAY_MS; !signal.aborted; delayMs = Math.min(2 * delayMs, RETRY_MAX_DELAY_MS)) {
      try {
        await this.archive.write(name, lines, signal);
        for (const { deferred } of clicks) deferred.done();
        return;
      } catch (error) {
        if (signal.aborted) return;
        context.log.warn({ err: error, file: name, delayMs }, 'The archive did not take a file; it is asked again.');
        await pause(context, delayMs);
      }
    }
  }
}

/** A sleep that ends early, and does not throw, when the lease ends: nobody awaits what goes on in the background. */
async function pause(context: ShardContext, delayMs: number): Promise<void> {
  await context.sleep(delayMs).catch(() => undefined);
}
