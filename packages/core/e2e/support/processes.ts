/** The processes of a worker, found in /proc by the mark in their environment and told apart by their command. */
import { readdirSync, readFileSync } from 'node:fs';

export type ProcessRole = 'supervisor' | 'host' | 'child' | 'java' | 'relay' | 'guard' | 'other';

export interface MarkedProcess {
  readonly pid: number;
  readonly parent: number;
  readonly role: ProcessRole;
  readonly command: string;
}

export const MARK = 'MILLRACE_E2E';

/** Those that live; a zombie has no environment, and is not among them. */
export function markedProcesses(mark: string, supervisor: number | undefined): readonly MarkedProcess[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      const pid = Number(name);
      const environment = read(pid, 'environ').split('\0');
      if (!environment.includes(`${MARK}=${mark}`)) return [];
      const command = read(pid, 'cmdline').split('\0').join(' ').trim();
      const stat = read(pid, 'stat');
      const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
      const role = pid === supervisor ? 'supervisor' : roleOf(command, environment);
      return [{ pid, parent, role, command }];
    });
}

function roleOf(command: string, environment: readonly string[]): ProcessRole {
  const has = (name: string): boolean => environment.some((entry) => entry.startsWith(`${name}=`));
  if (command.includes('.MultiLangDaemon')) return 'java';
  if (command.includes('/relay.sh')) return 'relay';
  if (command.includes('/guard.sh')) return 'guard';
  if (has('MILLRACE_HOST')) return 'host';
  return has('MILLRACE_CHILD_OF') ? 'child' : 'other';
}

/** Empty for what has ended, and for what is another user's. */
function read(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    // Processes end while they are looked at.
    return '';
  }
}
