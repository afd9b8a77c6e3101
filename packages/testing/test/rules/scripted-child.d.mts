import type { Note } from './dialogue.js';
import type { Script } from './rule.js';

export interface ChildWorld {
  write(line: string): void;
  note(note: Note): void;
  /** Resolves when the scenario opens it. */
  gate(name: string): Promise<void>;
  pause(ms: number): Promise<void>;
  die(): void;
  scriptOf(shardId: string): Script;
}

export interface ScriptedChild {
  /** A line of the daemon. */
  read(line: string): void;
  /** End of input. */
  end(): void;
}

export function scriptedChild(world: ChildWorld): ScriptedChild;
