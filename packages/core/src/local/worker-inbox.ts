/** The worker's lines as the daemon gets to see them: kept until it reads, and it reads only while it waits for an answer. */
import { LineSplitter } from '../protocol/line-splitter.js';

export type InboxRead =
  | { readonly kind: 'line'; readonly line: string }
  | { readonly kind: 'end'; readonly cause: Error | undefined };

/** Java's reader knows no limit; ours has one, far above what any message needs. */
const LINE_BYTES_MAX = 64 * 1024 * 1024;

export class WorkerInbox {
  private readonly splitter = new LineSplitter(LINE_BYTES_MAX);
  private readonly lines: string[] = [];
  private ended: { readonly cause: Error | undefined } | undefined;
  private waiting: ((read: InboxRead) => void) | undefined;

  /** Returns the lines that this chunk completed. Java ends lines at carriage returns as well. */
  push(chunk: Uint8Array): readonly string[] {
    const lines = this.splitter.push(chunk).flatMap((bytes) =>
      Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
        .toString('utf8')
        .split('\r')
        .filter((line) => line !== ''),
    );
    this.lines.push(...lines);
    this.hand();
    return lines;
  }

  end(cause: Error | undefined): void {
    this.ended ??= { cause };
    this.hand();
  }

  /** The next line, or the end once every line was read. One reader at a time. */
  next(): Promise<InboxRead> {
    return new Promise((resolve) => {
      this.waiting = resolve;
      this.hand();
    });
  }

  private hand(): void {
    const { waiting } = this;
    if (waiting === undefined) return;
    const line = this.lines.shift();
    if (line === undefined && this.ended === undefined) return;
    this.waiting = undefined;
    waiting(line === undefined ? { kind: 'end', cause: this.ended?.cause } : { kind: 'line', line });
  }
}
