/** How records are settled, told by the program's own processes: each of them loads a reporter before it. */
import { readFile } from 'node:fs/promises';
import { moduleOf } from './module-text.js';
import type { SettledRecord } from './runtime-stage.js';

/** Written at once, so that no kill loses a line. */
const SOURCE = `
import { appendFileSync } from 'node:fs';
import { subscribe } from 'node:diagnostics_channel';
subscribe('millrace:session', ({ kind, recordId, how }) => {
  if (kind === 'recordSettled') appendFileSync(process.env.MILLRACE_TEST_REPORT, JSON.stringify({ recordId, how }) + '\\n');
});`;

/** For Node's option `--import`. */
export const REPORTER = moduleOf(SOURCE);

/** The variables that name the file. */
export function reportTo(file: string): Readonly<Record<string, string>> {
  return { MILLRACE_TEST_REPORT: file };
}

export async function readSettled(file: string): Promise<readonly SettledRecord[]> {
  // Where nothing was settled there is no file.
  const text = await readFile(file, 'utf8').catch(() => '');
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as SettledRecord);
}
