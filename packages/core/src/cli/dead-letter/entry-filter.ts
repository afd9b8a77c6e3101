/** Which parked records a command means. Pure. */
import type { DeadLetterCause, DeadLetterEntry } from '../../ports.js';

export interface EntryFilter {
  readonly cause?: string;
  readonly handler?: string;
  readonly key?: string;
  readonly id?: string;
  /** When they were parked, in milliseconds since the epoch. */
  readonly since?: number;
  readonly until?: number;
}

export function isEmpty(filter: EntryFilter): boolean {
  return Object.values(filter).every((value) => value === undefined);
}

export function matches(filter: EntryFilter, entry: DeadLetterEntry): boolean {
  const { cause, handler, key, id, since, until } = filter;
  return (
    (cause === undefined || entry.causes.some((one) => isCause(one, cause))) &&
    (handler === undefined || entry.handler === handler) &&
    (key === undefined || entry.partitionKey === key) &&
    (id === undefined || entry.id === id) &&
    (since === undefined || entry.parkedAt >= since) &&
    (until === undefined || entry.parkedAt < until)
  );
}

/** A code or a name as a whole, or a part of the message, anywhere in the chain. */
function isCause({ code, name, message }: DeadLetterCause, wanted: string): boolean {
  const text = wanted.toLowerCase();
  return code?.toLowerCase() === text || name.toLowerCase() === text || message.toLowerCase().includes(text);
}

const UNITS_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `2026-03-01T10:00Z`, or an age: `90m`, `2h`, `3d`. Undefined for everything else. */
export function parseMoment(text: string, nowMs: number): number | undefined {
  const age = /^(\d+)([smhd])$/.exec(text);
  if (age !== null) return nowMs - Number(age[1]) * (UNITS_MS[age[2] ?? ''] ?? 0);
  const ms = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(ms) ? undefined : ms;
}
