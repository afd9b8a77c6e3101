/** What a worker's transcripts tell of its sessions, while they are written. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { PositionData } from '@millrace/core';
import { decodeMessage, readWorkerLine, type DaemonMessage } from '@millrace/core/internal';
import { recordIdOf } from './history-names.js';

type Action = Exclude<DaemonMessage['kind'], 'checkpoint'>;

export interface ToldSession {
  /** Of its file: others have other ones. */
  readonly name: string;
  readonly shardId: string;
  /** Ids, of every delivery. */
  readonly delivered: readonly string[];
  readonly stored: readonly (PositionData | 'SHARD_END')[];
  /** In order; the last one may be unanswered. */
  readonly actions: readonly Action[];
  readonly isAnswered: boolean;
  readonly hasEnded: boolean;
}

/** In the order in which they began. Sessions that were not told their shard yet are left out. */
export async function readSessions(folder: string): Promise<readonly ToldSession[]> {
  // Dates stand in front of what differs.
  const names = (await readdir(folder).catch(() => [])).toSorted((one, other) => (one < other ? -1 : 1));
  const texts = await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')));
  return names.flatMap((name, index) => toldIn(texts[index] ?? '', name) ?? []);
}

interface Telling {
  shardId: string | undefined;
  readonly delivered: string[];
  readonly stored: (PositionData | 'SHARD_END')[];
  readonly actions: Action[];
  asked: PositionData | 'SHARD_END';
  isAnswered: boolean;
  hasEnded: boolean;
}

function toldIn(text: string, name: string): ToldSession | undefined {
  const telling: Telling = {
    shardId: undefined,
    delivered: [],
    stored: [],
    actions: [],
    asked: 'SHARD_END',
    isAnswered: true,
    hasEnded: false,
  };
  // What follows the last line end is still being written.
  for (const line of text.split('\n').slice(0, -1)) take(telling, JSON.parse(line) as Entry);
  const { shardId, asked: _, ...told } = telling;
  return shardId === undefined ? undefined : { ...told, name, shardId };
}

interface Entry {
  readonly dir: 'daemon' | 'worker';
  readonly line?: string;
  readonly end?: string;
}

function take(telling: Telling, { dir, line, end }: Entry): void {
  if (end !== undefined) telling.hasEnded = true;
  if (line === undefined) return;
  if (dir === 'daemon') hear(telling, decodeMessage(Buffer.from(line)));
  else say(telling, line);
}

function hear(telling: Telling, message: DaemonMessage): void {
  if (message.kind === 'checkpoint') {
    if (message.error === undefined) telling.stored.push(telling.asked);
    return;
  }
  telling.actions.push(message.kind);
  telling.isAnswered = false;
  if (message.kind === 'initialize') telling.shardId = message.shardId;
  if (message.kind !== 'processRecords') return;
  const { shardId = '' } = telling;
  telling.delivered.push(...message.records.map((record) => recordIdOf(shardId, record)));
}

function say(telling: Telling, line: string): void {
  const said = readWorkerLine(line);
  if (said.kind === 'status') telling.isAnswered = true;
  if (said.kind !== 'checkpoint') return;
  const { sequenceNumber, subSequenceNumber = 0 } = said;
  telling.asked = sequenceNumber === undefined ? 'SHARD_END' : { sequenceNumber, subSequenceNumber };
}
