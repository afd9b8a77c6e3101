/** Scripted children as processes on pipes. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ByteChannel } from '@millrace/core/internal';
import type { ShardServer } from '../../src/bed-parts.js';
import { type PipedProcess, processServer } from '../../src/process-server.js';
import { realClock } from '../../src/real-time.js';
import type { Children } from '../../test/rules/bed-stage.js';
import type { Note } from '../../test/rules/dialogue.js';
import { CHILD, openGate, readNotes, writeScripts } from '../../test/rules/noted-files.js';
import type { Scenario } from '../../test/rules/rule.js';

const POLL_MS = 10;
/** Nothing is under way for so long: the pipes and the files of a loaded machine have caught up by then. */
const SETTLED_MS = 150;
const WITHIN_MS = 20_000;

export class ProcessChildren implements Children {
  readonly clock = realClock;
  readonly #folder = mkdtempSync(join(tmpdir(), 'millrace-rules-'));
  readonly #shards = new Set<string>();
  readonly #alive = new Set<ChildProcess>();
  readonly #startedMs = performance.now();

  constructor({ scripts = {} }: Scenario) {
    for (const [shard, lives] of Object.entries(scripts)) writeScripts(this.#folder, shard, lives);
  }

  open(session: string, channel: ByteChannel): ShardServer {
    const [shard = ''] = session.split('/');
    this.#shards.add(shard);
    return processServer(channel, () => this.#start(shard));
  }

  release(gate: string): void {
    openGate(this.#folder, gate);
  }

  notes(shard: string): readonly (readonly Note[])[] {
    return readNotes(this.#folder, shard);
  }

  async change(): Promise<void> {
    if (performance.now() - this.#startedMs > WITHIN_MS) throw new Error(this.#told());
    await sleep(POLL_MS);
  }

  async settled(): Promise<void> {
    for (let before = ''; before !== this.#told();) {
      before = this.#told();
      await sleep(SETTLED_MS);
    }
  }

  async close(): Promise<void> {
    const closed = [...this.#alive].map((child) => once(child, 'close'));
    for (const child of this.#alive) child.kill('SIGKILL');
    await Promise.all(closed);
    rmSync(this.#folder, { recursive: true });
  }

  #start(shard: string): PipedProcess {
    const child = spawn(process.execPath, [CHILD, this.#folder, shard], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#alive.add(child);
    child.once('close', () => void this.#alive.delete(child));
    return child;
  }

  #told(): string {
    return JSON.stringify([...this.#shards].map((shard) => [shard, this.notes(shard)]));
  }
}
