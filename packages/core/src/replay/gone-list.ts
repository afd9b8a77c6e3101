/** Writes down which entries of a segment are gone (G2). One process at a time does: whoever holds the lock of the directory. */
import { open, stat, type FileHandle } from 'node:fs/promises';
import { goneFile, goneKey, type Segment } from '../dead-letter/segments.js';
import { syncFolder } from '../dead-letter/sync-folder.js';

const LINE_FEED = '\n';

export class GoneList {
  private handle: FileHandle | undefined;
  private lines = '';
  /** The write that takes the waiting lines, once the one before it has ended. */
  private next: Promise<void> | undefined;
  private writing: Promise<void> = Promise.resolve();
  private readonly path: string;

  constructor(
    private readonly directory: string,
    segment: Segment,
  ) {
    this.path = goneFile(directory, segment);
  }

  /** Resolves when it would survive a power cut; a failure fails all that follow. What comes meanwhile shares the next sync. */
  add(offset: number, id: string): Promise<void> {
    this.lines += `${goneKey(offset, id)}${LINE_FEED}`;
    if (this.next === undefined) {
      this.next = this.writing.then(() => this.append());
      this.writing = this.next;
    }
    return this.next;
  }

  async close(): Promise<void> {
    await this.writing.catch(() => undefined);
    await this.handle?.close();
  }

  private async append(): Promise<void> {
    this.handle ??= await this.open();
    const { lines } = this;
    this.lines = '';
    this.next = undefined;
    await this.handle.appendFile(lines);
    await this.handle.datasync();
  }

  /** A line that a crash has torn must not be continued by the next one. */
  private async open(): Promise<FileHandle> {
    const bytes = await stat(this.path).then(
      ({ size }) => size,
      () => 0,
    );
    const handle = await open(this.path, 'a', 0o600);
    if (bytes > 0) await handle.appendFile(LINE_FEED);
    else await syncFolder(this.directory);
    return handle;
  }
}
