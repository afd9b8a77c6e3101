/** Removes parked records without running them. */
import type { ParkedItem, ParkedSource, Wants } from './parked-source.js';

export interface DropOptions {
  readonly source: ParkedSource;
  readonly wants: Wants;
  /** Records at most; undefined: all. */
  readonly limit: number | undefined;
  readonly interrupted: AbortSignal;
  readonly onDropped: (item: ParkedItem) => void;
}

/** @throws MillraceError from the source; what was dropped before stays dropped. */
export async function drop({ source, wants, limit, interrupted, onDropped }: DropOptions): Promise<void> {
  let left = limit ?? Number.POSITIVE_INFINITY;
  const taking = await source.take(wants);
  try {
    for await (const group of taking.groups(interrupted)) {
      for (const item of group.slice(0, left)) {
        if (interrupted.aborted) return;
        await item.remove();
        onDropped(item);
      }
      left -= group.length;
      if (left <= 0) return;
    }
  } catch (error) {
    if (!interrupted.aborted) throw error;
  } finally {
    await taking.end();
  }
}
