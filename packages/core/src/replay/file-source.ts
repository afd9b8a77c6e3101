/**
 * Parked records in files, beside consumers that go on parking.
 *
 * R1 Segments are read, open ones too, and never changed: what is gone stands in a list beside them, synced before it
 *    counts. An entry that a consumer appends meanwhile has a place of its own, so nothing can take it out by mistake.
 * R2 A segment is removed when its writer has closed it and each of its entries is gone; its list goes after it. One that
 *    a killed writer has left open is taken for closed a day after its last line: a living one writes an hour (F4).
 * R3 One process at a time takes entries out of a directory: it holds the directory's lock, which dies with it.
 */
import { open, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { parseEntry } from '../dead-letter/entry-text.js';
import { readPlaced, type PlacedEntry } from '../dead-letter/parked-file.js';
import {
  goneFile,
  goneKey,
  linesOf,
  namesWithGone,
  readGone,
  segmentsOf,
  type Segment,
} from '../dead-letter/segments.js';
import { syncFolder } from '../dead-letter/sync-folder.js';
import { MillraceError } from '../errors.js';
import { lockForThisProcess, type ProcessLock } from '../local/process-lock.js';
import type { DeadLetterEntry } from '../ports.js';
import { GoneList } from './gone-list.js';
import type { ParkedItem, ParkedSource, SourcePorts, TakenItem, Taking, Wants } from './parked-source.js';
import { grouped, inOrder, type Placed } from './replay-order.js';

export function openFileSource(directory: string, ports: SourcePorts): ParkedSource {
  return new FileSource(directory, ports);
}

const LEFT_OPEN_MS = 86_400_000;

interface Location {
  readonly segment: Segment;
  readonly line: number;
  readonly offset: number;
  readonly bytes: number;
}

/** All that is kept of an entry until its turn; a record that was parked twice has several places. */
interface Indexed extends Placed {
  readonly id: string;
  readonly locations: Location[];
}

class FileSource implements ParkedSource {
  readonly label: string;
  readonly view = 'whole';

  constructor(
    private readonly directory: string,
    private readonly ports: SourcePorts,
  ) {
    this.label = `file ${directory}`;
  }

  async *look(signal: AbortSignal): AsyncGenerator<ParkedItem, void> {
    for await (const placed of this.read()) {
      if (signal.aborted) return;
      yield { entry: placed.entry, place: placeOf(placed.segment, placed.line.line) };
    }
  }

  async take(wants: Wants): Promise<Taking> {
    // Before the lock: it would say less well that there is no such directory.
    await segmentsOf(this.directory);
    const lock = await this.lock();
    const lists = new Map<string, GoneList>();
    return {
      groups: (signal) => this.groups(wants, lists, signal),
      end: async () => {
        try {
          for (const list of lists.values()) await list.close();
          await this.removeEmptied();
        } finally {
          await lock.release();
        }
      },
    };
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  private async *groups(
    wants: Wants,
    lists: Map<string, GoneList>,
    signal: AbortSignal,
  ): AsyncGenerator<readonly TakenItem[], void> {
    for (const group of grouped(inOrder(await this.index(wants, signal)))) {
      if (signal.aborted) return;
      const taken = await Promise.all(group.map((indexed) => this.load(indexed, lists)));
      yield taken.filter((item) => item !== undefined);
    }
  }

  private read(): AsyncGenerator<PlacedEntry, void> {
    return readPlaced(this.directory, ({ file, line }) =>
      this.ports.note(`${file}:${line} holds no whole entry and is left alone.`),
    );
  }

  private async index(wants: Wants, signal: AbortSignal): Promise<readonly Indexed[]> {
    const byId = new Map<string, Indexed>();
    for await (const { entry, segment, line } of this.read()) {
      if (signal.aborted) return [];
      if (!wants(entry)) continue;
      const location = { segment, line: line.line, offset: line.offset, bytes: line.bytes };
      const known = byId.get(entry.id);
      if (known !== undefined) known.locations.push(location);
      else byId.set(entry.id, { ...coordinates(entry), bytes: line.bytes, locations: [location] });
    }
    return [...byId.values()];
  }

  /** The youngest place of a record tells most recently why it failed. */
  private async load({ id, locations }: Indexed, lists: Map<string, GoneList>): Promise<TakenItem | undefined> {
    const youngest = locations.at(-1);
    if (youngest === undefined) return undefined;
    const entry = parseEntry(await readAt(youngest));
    const place = placeOf(youngest.segment, youngest.line);
    if (entry?.id !== id) {
      this.ports.note(`${place} has changed since it was read, and is left alone.`);
      return undefined;
    }
    const remove = async (): Promise<void> => {
      for (const { segment, offset } of locations) await this.listOf(segment, lists).add(offset, id);
    };
    return { entry, place, remove };
  }

  private listOf(segment: Segment, lists: Map<string, GoneList>): GoneList {
    const list = lists.get(segment.name) ?? new GoneList(this.directory, segment);
    lists.set(segment.name, list);
    return list;
  }

  private async lock(): Promise<ProcessLock> {
    const attempt = await lockForThisProcess(join(this.directory, 'replay'));
    if (attempt.kind === 'acquired') return attempt.lock;
    const { pid, host, claim, elsewhere } = attempt;
    const mend = elsewhere ? `If that process is gone, delete ${claim}.` : 'Wait for it, or end it: both is safe.';
    throw new MillraceError(
      'REPLAY_FAILED',
      `Process ${pid} on ${host} is replaying or dropping records of ${this.directory} already. ${mend}`,
      { details: { pid, host, claim } },
    );
  }

  private async removeEmptied(): Promise<void> {
    const segments = new Map((await segmentsOf(this.directory)).map((segment) => [segment.name, segment]));
    for (const name of await namesWithGone(this.directory)) {
      const segment = segments.get(name);
      if (segment !== undefined) {
        if (!(await this.isClosed(segment)) || !(await this.isEmptied(segment))) continue;
        await rm(segment.path);
        // The list must not go first: without it every entry would be there again.
        await syncFolder(this.directory);
      }
      await rm(goneFile(this.directory, { name }), { force: true });
    }
  }

  private async isClosed({ closed, path }: Segment): Promise<boolean> {
    if (closed) return true;
    // Not there: its writer has just closed it, and the next run sees that.
    const found = await stat(path).catch(() => undefined);
    return found !== undefined && this.ports.clock.now() - found.mtimeMs > LEFT_OPEN_MS;
  }

  /** A whole line that we cannot read may be somebody's record. */
  private async isEmptied(segment: Segment): Promise<boolean> {
    const gone = await readGone(this.directory, segment);
    for await (const { text, offset } of linesOf(segment)) {
      if (text === undefined) continue;
      const entry = parseEntry(text);
      if (entry === undefined || !gone.has(goneKey(offset, entry.id))) return false;
    }
    return true;
  }
}

/** Its writer may have closed the segment since it was listed. */
async function readAt({ segment, offset, bytes }: Location): Promise<string> {
  const handle = await open(segment.path, 'r').catch(() => open(segment.path.replace(/\.open(?=\.jsonl$)/, ''), 'r'));
  try {
    const buffer = Buffer.alloc(bytes);
    await handle.read(buffer, 0, bytes, offset);
    return buffer.toString('utf8');
  } finally {
    await handle.close();
  }
}

function coordinates({ id, shardId, sequenceNumber, subSequenceNumber }: DeadLetterEntry) {
  return { id, shardId, sequenceNumber, subSequenceNumber };
}

function placeOf(segment: Segment, line: number): string {
  return `${segment.path}:${line}`;
}
