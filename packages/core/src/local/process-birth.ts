/** Tells a process from a later one with the same id. */
import { readFileSync } from 'node:fs';

/** The clock tick at which a process started, as /proc tells it; undefined for dead processes, zombies, and without /proc. */
export function startTickOf(pid: number): string | undefined {
  const fields = statOf(pid);
  return fields === undefined || fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
}

/** The parent's process id; undefined as above. */
export function parentOf(pid: number): number | undefined {
  const parent = statOf(pid)?.[1];
  return parent === undefined ? undefined : Number(parent);
}

/** The session that a process belongs to, by the id of its leader, and when it started; undefined where there is no /proc. */
export function sessionOf(pid: number): { readonly session: number; readonly startTick: number } | undefined {
  const fields = statOf(pid);
  return fields === undefined ? undefined : { session: Number(fields[3]), startTick: Number(fields[19]) };
}

/** Of /proc/<pid>/stat, what follows the command: state, parent, group, session, ..., the start time as the 20th. */
function statOf(pid: number): string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The command stands in parentheses and may contain anything.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    // No such process, or no /proc: the caller knows which.
    return undefined;
  }
}
