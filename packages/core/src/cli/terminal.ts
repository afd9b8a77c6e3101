/** What the commands know of the process they run in. A parameter, so that they can be tested without one. */
import type { Environment } from '../definition/definition.js';

export interface Terminal {
  /** Results, for people and for pipes. */
  out(text: string): void;
  /** Everything else: errors, progress, logs. */
  err(text: string): void;
  readonly env: Environment;
  readonly cwd: string;
  /** How the user called us, for command lines that we print: `npx millrace`. */
  readonly command: string;
}

export function processTerminal(): Terminal {
  return {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    env: process.env,
    cwd: process.cwd(),
    command: commandName(process.argv[1] ?? ''),
  };
}

/** A project's own copy is not on the PATH of a shell; npx finds it. */
export function commandName(script: string): string {
  return /[\\/]node_modules[\\/]/.test(script) ? 'npx millrace' : 'millrace';
}
