/** Every process that inherited a variable, whoever its parent is by now: what a program may have left behind. */
import { readdirSync, readFileSync } from 'node:fs';

export interface MarkedProcess {
  readonly pid: number;
  readonly command: string;
}

/** @param mark - the value, one of a kind; what has no environment any more, like a zombie, does not count. */
export function markedProcesses(mark: string): readonly MarkedProcess[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0)
    .flatMap((pid) => {
      if (!read(pid, 'environ').some((variable) => variable.endsWith(`=${mark}`))) return [];
      return [{ pid, command: read(pid, 'cmdline').join(' ').slice(0, 200) }];
    });
}

function read(pid: number, file: 'environ' | 'cmdline'): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8').split('\0');
  } catch {
    // It ended while we looked.
    return [];
  }
}
