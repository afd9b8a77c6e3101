/** What the worker has left on disk: effects, dead letters, checkpoints. The audit believes these, not the worker. */
import { readFile } from 'node:fs/promises';
import { readParked, type DeadLetterEntry } from '@millrace/core';
import type { Mail } from '../mailer.js';
import type { Produced } from './produce.js';

export type Checkpoint = 'SHARD_END' | { readonly sequenceNumber: string };
export type Checkpoints = Readonly<Record<string, Checkpoint>>;

/** The local engine's checkpoint file; empty before its first checkpoint. */
export async function readCheckpoints(path: string): Promise<Checkpoints> {
  const text = await readIfThere(path);
  // The engine writes the whole file anew and renames it into place, so what is there is complete.
  return text === undefined ? {} : (JSON.parse(text) as { checkpoints: Checkpoints }).checkpoints;
}

export async function readMails(path: string): Promise<readonly Mail[]> {
  const lines = (await readIfThere(path))?.split('\n') ?? [];
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Mail);
}

export async function readDeadLetters(directory: string): Promise<readonly DeadLetterEntry[]> {
  const entries: DeadLetterEntry[] = [];
  for await (const entry of readParked(directory)) entries.push(entry);
  return entries;
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/**
 * True when every shard is checkpointed at or beyond its last record, and the one that was split has ended: the worker
 * says that it has settled all.
 */
export function covers(checkpoints: Checkpoints, { records, splitShard }: Produced): boolean {
  if (splitShard !== undefined && checkpoints[splitShard] !== 'SHARD_END') return false;
  return records.every(({ shardId, sequenceNumber }) => {
    const reached = checkpoints[shardId];
    if (reached === undefined || reached === 'SHARD_END') return reached === 'SHARD_END';
    // Before a shard's first checkpoint the name of its initial position stands there.
    return /^\d+$/.test(reached.sequenceNumber) && BigInt(reached.sequenceNumber) >= BigInt(sequenceNumber);
  });
}
