/** The transcripts of the real daemon in ../golden. */
import { readdirSync, readFileSync } from 'node:fs';

/** One line of a transcript, and who wrote it. */
export interface Entry {
  readonly dir: 'daemon' | 'worker';
  readonly line: string;
}

const folder = new URL('../golden/', import.meta.url);

export const names = readdirSync(folder)
  .filter((name) => name.endsWith('.jsonl'))
  .map((name) => name.replace('.jsonl', ''));

export function transcript(name: string): Entry[] {
  return readFileSync(new URL(`${name}.jsonl`, folder), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Entry);
}
