/** Where a scenario is played. Stages carry moves out and tell what there is to see; `play` knows the scenario. */
import { Names, dialogueOf, type Note, type StoredPosition } from './dialogue.js';
import type { Move, Scenario, Seen } from './rule.js';

export type StageMove = Exclude<Move, { kind: 'await' | 'silent' | 'failure' }>;

export interface Stage {
  perform(move: StageMove): Promise<void>;
  /** What the lives of a shard's child have noted. */
  notes(shard: string): readonly (readonly Note[])[];
  /** SHARD_END, a position, or undefined for a lease without checkpoint. */
  stored(shard: string): Promise<StoredPosition | 'SHARD_END' | undefined>;
  readonly worker: Seen['worker'];
  /** Resolves when something may have changed; rejects when nothing changes any more. */
  change(): Promise<void>;
  /** Nothing that is under way could still change what is seen. */
  settled(): Promise<void>;
}

/** Plays the moves in their order, and looks. */
export async function play(stage: Stage, scenario: Scenario): Promise<Seen> {
  for (const move of scenario.moves) await performOn(stage, move);
  await stage.settled();
  const shards = Object.keys(scenario.expected.dialogues);
  const seen = await Promise.all(shards.map(async (shard) => [shard, await lookAt(stage, shard)] as const));
  return {
    dialogues: Object.fromEntries(seen.map(([shard, { dialogue }]) => [shard, dialogue])),
    stored: Object.fromEntries(seen.map(([shard, { stored }]) => [shard, stored])),
    worker: stage.worker,
  };
}

async function performOn(stage: Stage, move: Move): Promise<void> {
  if (move.kind === 'await') return untilLine(stage, move);
  if (move.kind === 'failure') return until(stage, 'the end of the worker', () => stage.worker === 'failed');
  if (move.kind === 'silent') {
    if (stage.notes(move.shard).length > 0) throw new Error(`${move.shard} has a child already.`);
    return;
  }
  await stage.perform(move);
  if (move.kind === 'deliver') await untilDelivered(stage, move);
}

function untilLine(stage: Stage, { shard, line }: Extract<Move, { kind: 'await' }>): Promise<void> {
  return until(stage, `"${line}" on ${shard}`, () => (dialoguesOf(stage, shard).at(-1) ?? []).includes(line));
}

async function untilDelivered(stage: Stage, move: Extract<Move, { kind: 'deliver' }>): Promise<void> {
  if (move.until === 'queued') return;
  const last = move.records.flat().at(-1) ?? '';
  await until(stage, `${last} on ${move.shard}`, () => {
    const dialogue = dialoguesOf(stage, move.shard).at(-1) ?? [];
    const index = dialogue.findLastIndex(
      (line) => line.startsWith('> processRecords') && line.split(' ').includes(last),
    );
    if (index < 0) return false;
    return move.until === 'delivered' || dialogue.indexOf('< status processRecords', index) > 0;
  });
}

async function until(stage: Stage, what: string, holds: () => boolean): Promise<void> {
  while (!holds()) await stage.change().catch((error: unknown) => Promise.reject(waitedInVain(what, error)));
}

function waitedInVain(what: string, cause: unknown): Error {
  return new Error(`Waited in vain for ${what}. ${String(cause)}`, { cause });
}

async function lookAt(stage: Stage, shard: string): Promise<{ dialogue: Seen['dialogues'][string]; stored: string }> {
  const stored = await stage.stored(shard);
  return {
    dialogue: dialoguesOf(stage, shard),
    stored: stored === 'SHARD_END' ? stored : new Names(stage.notes(shard)).ofStored(stored),
  };
}

export function dialoguesOf(stage: Pick<Stage, 'notes'>, shard: string): Seen['dialogues'][string] {
  const lives = stage.notes(shard);
  const names = new Names(lives);
  return lives.map((notes) => dialogueOf(notes, names));
}
