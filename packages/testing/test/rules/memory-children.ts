/** Scripted children inside this process. */
import type { ByteChannel } from '@millrace/core/internal';
import type { ShardServer } from '../../src/bed-parts.js';
import { nextTurn } from '../../src/real-time.js';
import { VirtualClock } from '../../src/virtual-clock.js';
import type { Children } from './bed-stage.js';
import type { Note } from './dialogue.js';
import type { Scenario } from './rule.js';
import { scriptedChild } from './scripted-child.mjs';
import { serverOf } from './serve-child.js';

/** Any chain of promises has moved on by then; what has not waits for a move of the scenario. */
const QUIET_TURNS = 20;

export class MemoryChildren implements Children {
  readonly clock = new VirtualClock();
  readonly #scripts: Scenario['scripts'];
  readonly #notes = new Map<string, Note[][]>();
  readonly #gates = new Map<string, Gate>();
  #noted = 0;

  constructor({ scripts }: Scenario) {
    this.#scripts = scripts;
  }

  open(session: string, channel: ByteChannel): ShardServer {
    const [shard = '', life = ''] = session.split('/');
    const notes: Note[] = [];
    this.#notes.set(shard, [...this.notes(shard), notes] as Note[][]);
    const script = this.#scripts?.[shard]?.[Number(life) - 1] ?? {};
    return serverOf(channel, ({ write, close }) =>
      scriptedChild({
        write,
        note: (note) => {
          this.#noted += 1;
          notes.push(note);
        },
        gate: (name) => this.#gate(name).opened,
        pause: (ms) => new Promise((resolve) => void this.clock.setTimer(ms, resolve)),
        die: close,
        scriptOf: () => script,
      }),
    );
  }

  release(gate: string): void {
    this.#gate(gate).open();
  }

  notes(shard: string): readonly (readonly Note[])[] {
    return this.#notes.get(shard) ?? [];
  }

  async change(): Promise<void> {
    const before = this.#noted;
    for (let turn = 0; turn < QUIET_TURNS; turn += 1) {
      await nextTurn();
      if (this.#noted !== before) return;
    }
    if (this.clock.runNext()) return;
    throw new Error(`Nothing moves: ${JSON.stringify([...this.#notes])}`);
  }

  async settled(): Promise<void> {
    for (let before = -1; before !== this.#noted;) {
      before = this.#noted;
      for (let turn = 0; turn < QUIET_TURNS; turn += 1) await nextTurn();
    }
  }

  #gate(name: string): Gate {
    const gate = this.#gates.get(name) ?? makeGate();
    this.#gates.set(name, gate);
    return gate;
  }
}

interface Gate {
  readonly opened: Promise<void>;
  open(): void;
}

function makeGate(): Gate {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { opened, open: () => open() };
}
