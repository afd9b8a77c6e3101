/** The folder in which scripted children that are processes find their scripts and leave their notes. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Note } from './dialogue.js';
import type { Script } from './rule.js';

export const CHILD = fileURLToPath(new URL('./scripted-child.main.mjs', import.meta.url));

export function writeScripts(folder: string, shard: string, scripts: readonly Script[]): void {
  writeFileSync(join(folder, `${shard}.scripts.json`), JSON.stringify(scripts));
}

export function openGate(folder: string, gate: string): void {
  writeFileSync(join(folder, `${gate}.gate`), '');
}

/** By life; complete lines only, because a child may be writing the last one. */
export function readNotes(folder: string, shard: string): readonly (readonly Note[])[] {
  const lives: Note[][] = [];
  for (;;) {
    const text = readIfThere(join(folder, `${shard}.${lives.length}.jsonl`));
    if (text === undefined) return lives;
    lives.push(
      text
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line) as Note),
    );
  }
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    // There was no such life yet.
    return undefined;
  }
}
