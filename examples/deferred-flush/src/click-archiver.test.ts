import { records, testBed, type TestBed } from '@millrace/testing';
import '@millrace/testing/vitest';
import { beforeEach, describe, expect, it } from 'vitest';
import { Archive } from './archive.js';
import { ClickArchiver } from './click-archiver.js';
import type { Click } from './click.js';

/** Keeps files in memory, and fails while a test says so. */
class FakeArchive extends Archive {
  readonly files = new Map<string, readonly string[]>();
  isDown = false;

  constructor() {
    super('no folder');
  }

  override async write(name: string, lines: readonly string[]): Promise<void> {
    if (this.isDown) throw new Error('the archive is down');
    this.files.set(name, lines);
  }

  get sizes(): readonly number[] {
    return [...this.files.values()].map((lines) => lines.length);
  }
}

let archive: FakeArchive;
beforeEach(() => {
  archive = new FakeArchive();
});
const open = (): Promise<TestBed> => testBed(ClickArchiver, { overrides: [{ token: Archive, useValue: archive }] });

const click = records.json<Click>();
const clicks = (count: number) =>
  click.many(count, (index) => ({ page: `/${index}`, visitor: 'ann', at: '2026-01-02T10:00:00Z' }));

describe('ClickArchiver', () => {
  it('writes a file when 500 clicks have come, without waiting', async () => {
    await using bed = await open();

    bed.shard().deliver(...clicks(501));
    await bed.settle();

    expect(archive.sizes).toEqual([500]);
  });

  it('writes what has come ten seconds after the first click', async () => {
    await using bed = await open();
    bed.shard().deliver(...clicks(2));
    await bed.advance(6_000);
    bed.shard().deliver(...clicks(1));

    await bed.advance(3_999);
    expect(archive.sizes).toEqual([]);
    await bed.advance(1);

    expect(archive.sizes).toEqual([3]);
    expect(bed).toHaveHandled(...bed.delivered);
  });

  it('lets no checkpoint pass a click that is in memory only', async () => {
    await using bed = await open();
    bed.shard().deliver(...clicks(3));

    await bed.advance(9_000);
    bed.shard().heartbeat();
    await bed.settle();
    expect(bed.shard().stored).toBeUndefined();

    await bed.idle();
    expect(bed.shard()).toHaveCheckpointed(bed.delivered[2]!);
  });

  it('asks an archive that is down until it answers; meanwhile the clicks stay unsettled', async () => {
    await using bed = await open();
    archive.isDown = true;
    const delivered = bed.shard().deliver(...clicks(2));
    await bed.advance(30_000);
    expect(bed.shard().status.unsettled).toBe(2);

    archive.isDown = false;
    await bed.idle();

    expect(bed).toHaveHandled(...delivered);
    expect(archive.sizes).toEqual([2]);
  });

  it.each<[string, (bed: TestBed) => void]>([
    ['the shard ends', (bed) => bed.shard().end()],
    ['the worker stops, or the shard is handed to another one', (bed) => bed.shard().requestShutdown()],
  ])('writes at once what it has collected when %s', async (_, end) => {
    await using bed = await open();
    bed.shard().deliver(...clicks(3));
    await bed.settle();

    end(bed);
    await bed.settle();

    expect(archive.sizes).toEqual([3]);
    expect(bed).toHaveHandled(...bed.delivered);
  });

  it('leaves to the next owner what it has when the lease is lost', async () => {
    await using bed = await open();
    bed.shard().deliver(...clicks(3));
    await bed.settle();

    bed.shard().loseLease();
    await bed.advance(20_000);

    expect(archive.sizes).toEqual([]);
    expect(bed.shard().stored).toBeUndefined();
  });
});
