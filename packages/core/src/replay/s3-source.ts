/** Parked records in S3, an object each. */
import { openBucket, type Bucket } from '../dead-letter/bucket.js';
import { parseEntry } from '../dead-letter/entry-text.js';
import type { S3Place } from '../definition/parked-place.js';
import type { DeadLetterEntry } from '../ports.js';
import type { ParkedItem, ParkedSource, SourcePorts, TakenItem, Taking, Wants } from './parked-source.js';
import { grouped, inOrder, type Placed } from './replay-order.js';

/** @throws MillraceError DEPENDENCY_MISSING. */
export async function openS3Source(place: S3Place, ports: SourcePorts): Promise<ParkedSource> {
  return new S3Source(await openBucket(place), ports);
}

/** Requests under way at once: a listing says nothing of what is in the objects. */
const GETS_AT_ONCE = 16;

interface Indexed extends Placed {
  readonly key: string;
}

class S3Source implements ParkedSource {
  readonly label: string;
  readonly view = 'whole';

  constructor(
    private readonly bucket: Bucket,
    private readonly ports: SourcePorts,
  ) {
    this.label = `s3 ${bucket.place.bucket}/${bucket.place.prefix}`;
  }

  async *look(signal: AbortSignal): AsyncGenerator<ParkedItem, void> {
    let keys: string[] = [];
    for await (const key of this.bucket.keys(signal)) {
      keys.push(key);
      if (keys.length < GETS_AT_ONCE) continue;
      yield* await this.getAll(keys, signal);
      keys = [];
    }
    yield* await this.getAll(keys, signal);
  }

  take(wants: Wants): Promise<Taking> {
    return Promise.resolve({ groups: (signal) => this.groups(wants, signal), end: () => Promise.resolve() });
  }

  close(): Promise<void> {
    this.bucket.close();
    return Promise.resolve();
  }

  private async *groups(wants: Wants, signal: AbortSignal): AsyncGenerator<readonly TakenItem[], void> {
    const index: Indexed[] = [];
    for await (const { entry, place: key } of this.look(signal)) {
      const { shardId, sequenceNumber, subSequenceNumber, data } = entry;
      if (wants(entry)) index.push({ key, shardId, sequenceNumber, subSequenceNumber, bytes: data.length });
    }
    for (const group of grouped(inOrder(index))) {
      if (signal.aborted) return;
      const keys = group.map(({ key }) => key);
      const items = await this.getAll(keys, signal);
      yield items.map((item) => ({ ...item, remove: () => this.bucket.remove(item.place, NEVER) }));
    }
  }

  /** Without those that somebody else has removed meanwhile. */
  private async getAll(keys: readonly string[], signal: AbortSignal): Promise<readonly ParkedItem[]> {
    const items: ParkedItem[] = [];
    for (let at = 0; at < keys.length; at += GETS_AT_ONCE) {
      const gotten = keys.slice(at, at + GETS_AT_ONCE).map((key) => this.get(key, signal));
      items.push(...(await Promise.all(gotten)).filter((item) => item !== undefined));
    }
    return items;
  }

  private async get(key: string, signal: AbortSignal): Promise<ParkedItem | undefined> {
    const text = await this.bucket.get(key, signal);
    const entry = text === undefined ? undefined : this.read(key, text);
    return entry === undefined ? undefined : { entry, place: key };
  }

  private read(key: string, text: string): DeadLetterEntry | undefined {
    const entry = parseEntry(text);
    if (entry === undefined) this.ports.note(`The object ${key} holds no whole entry and is left alone.`);
    return entry;
  }
}

/** What was handled is removed whatever happens meanwhile; the client has its own limits. */
const NEVER = new AbortController().signal;
