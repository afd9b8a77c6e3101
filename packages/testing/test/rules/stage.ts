/** Where a scenario is played. Stages carry moves out and tell what there is to see; `play` knows the scenario. */
import { Names, dialogueOf, type Note, type StoredPosition } from './dialogue.js';
import type { Move, Put, Scenario, Seen } from './rule.js';

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
  const shards = Object.keys(scenario.expected.dialogues);
  const playing: Playing = { stage, shards, past: new Map() };
  for (const move of scenario.moves) await performOn(playing, move);
  await stage.settled();
  const seen = await Promise.all(shards.map(async (shard) => [shard, await lookAt(stage, shard)] as const));
  return {
    dialogues: Object.fromEntries(seen.map(([shard, { dialogue }]) => [shard, dialogue])),
    stored: Object.fromEntries(seen.map(([shard, { stored }]) => [shard, stored])),
    worker: stage.worker,
  };
}

interface Playing {
  readonly stage: Stage;
  readonly shards: readonly string[];
  /** Lives of each shard's child that are over. */
  readonly past: Map<string, number>;
}

async function performOn(playing: Playing, move: Move): Promise<void> {
  const { stage, shards, past } = playing;
  switch (move.kind) {
    case 'await':
      return until(stage, `"${move.line}" on ${move.shard}`, () =>
        presentLife(playing, move.shard).includes(move.line),
      );
    case 'failure':
      return until(stage, 'the end of the worker', () => stage.worker === 'failed');
    case 'silent':
      if (stage.notes(move.shard).length > 0) throw new Error(`${move.shard} has a child already.`);
      return undefined;
    case 'deliver':
      await stage.perform(move);
      return untilDelivered(playing, move);
    case 'restart':
    case 'kill':
      // What is awaited from now on are lines of the next life.
      for (const shard of shards) past.set(shard, stage.notes(shard).length);
      return stage.perform(move);
    case 'release':
    case 'refuse':
    case 'recover':
    case 'loseLease':
    case 'handOver':
    case 'split':
    case 'merge':
    case 'heartbeat':
      return stage.perform(move);
    default:
      return move satisfies never;
  }
}

function presentLife({ stage, past }: Playing, shard: string): readonly string[] {
  return dialoguesOf(stage, shard)[past.get(shard) ?? 0] ?? [];
}

async function untilDelivered(playing: Playing, move: Extract<Move, { kind: 'deliver' }>): Promise<void> {
  if (move.until === 'queued') return;
  const last = lastOf(move.records);
  await until(playing.stage, `${last} on ${move.shard}`, () => {
    const life = presentLife(playing, move.shard);
    const index = life.findLastIndex((line) => line.startsWith('> processRecords') && line.split(' ').includes(last));
    if (index < 0) return false;
    return move.until === 'delivered' || life.indexOf('< status processRecords', index) > 0;
  });
}

/** A damaged aggregate comes as one record, with the key of its first part. */
function lastOf(puts: readonly Put[]): string {
  const put = puts.at(-1) ?? '';
  if (typeof put === 'string') return put;
  return ('damaged' in put ? put.damaged[0] : put.at(-1)) ?? '';
}

async function until(stage: Stage, what: string, holds: () => boolean): Promise<void> {
  while (!holds()) {
    await stage.change().catch((cause: unknown) => {
      throw new Error(`Waited in vain for ${what}.`, { cause });
    });
  }
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
