/** Which tumbling window a record belongs to, and when a window is over. */
export interface Bounds {
  readonly startMs: number;
  readonly endMs: number;
}

/**
 * The window that an arrival falls into. A record that arrived before the end of the last window (Kinesis stamps records of
 * several front ends, whose clocks differ) belongs to the next one: a window that was emitted never opens again.
 */
export function windowAt(arrivedAtMs: number, everyMs: number, emittedUntilMs: number): Bounds {
  const startMs = Math.max(Math.floor(arrivedAtMs / everyMs) * everyMs, emittedUntilMs);
  return { startMs, endMs: startMs + everyMs };
}

/** A record without a stamp stays in the window that is open. */
export function isBehind({ endMs }: Bounds, arrivedAtMs: number | undefined): boolean {
  return arrivedAtMs !== undefined && arrivedAtMs >= endMs;
}

/** An idle shard has no later record, so its clock closes the window; only at the tip, or records of the window may still come. */
export function isOver({ endMs }: Bounds, nowMs: number, millisBehindLatest: number | undefined): boolean {
  return millisBehindLatest === 0 && nowMs >= endMs;
}
