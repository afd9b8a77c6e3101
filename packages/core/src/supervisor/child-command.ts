/** The command that the daemon starts for each shard: `executableName`, which it cuts at blanks and gives to no shell. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { programCommand } from './host-process.js';

/** Host mode: a relay, which waits for a host to take its pipes over. */
export function relayCommand(folder: string): string {
  return `/bin/sh ${join(folder, 'relay.sh')} ${folder}`;
}

export interface ChildCommand {
  readonly folder: string;
  /** A word for the file's name. */
  readonly name: string;
  readonly variables: Readonly<Record<string, string>>;
}

/** Process mode: this program again, for one shard. A script holds its arguments, which may have blanks. */
export async function childCommand({ folder, name, variables }: ChildCommand): Promise<string> {
  const file = join(folder, `${name}.sh`);
  const assignments = Object.entries(variables).map(([variable, value]) => `export ${variable}=${quoted(value)}`);
  const program = programCommand().map(quoted).join(' ');
  // The signals of a terminal or a service manager reach the daemon's children as well; the daemon tells them what to do.
  const lines = ['#!/bin/sh', "trap '' INT TERM HUP QUIT", ...assignments, `exec ${program}`];
  await writeFile(file, `${lines.join('\n')}\n`, { mode: 0o700 });
  return `/bin/sh ${file}`;
}

/** One word of a shell, whatever it holds. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
