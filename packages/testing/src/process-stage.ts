/** A scenario's shards with the program itself behind them: for each session a process, on the pipes that a daemon would hold. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MillraceError, readDefinition } from '@millrace/core';
import type { BedParts } from './bed-parts.js';
import { assertEnded, BedShards } from './bed-shards.js';
import { DeliveredWires } from './delivered-wires.js';
import { FakeCheckpoints } from './fake-checkpoints.js';
import { History } from './history.js';
import { kitMoves, seenOf, type KitShards } from './kit-moves.js';
import { Placement } from './placement.js';
import { ProgramProcesses } from './program-processes.js';
import { realClock, realMs, shortWait } from './real-time.js';
import { messageTimeoutOf, resolveFor } from './resolve-for.js';
import type { RuntimeSubject } from './runtime-scenario.js';
import type { RuntimeStage, StageSeen } from './runtime-stage.js';
import { readSettled } from './settled-report.js';
import { VirtualClock } from './virtual-clock.js';

const WITHIN_MS = 20_000;

/** @throws DefinitionError, ConfigurationError as `run` would. */
export async function openProcessStage(subject: RuntimeSubject, shards: readonly string[]): Promise<RuntimeStage> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-process-'));
  const stage = new ProcessStage(subject, shards, folder);
  return {
    ...kitMoves(stage),
    quiet: () => stage.quiet(),
    split: (shard) => stage.split(shard ?? 0),
    crash: () => stage.crash(),
    stop: () => stage.stop(),
    abandon: () => stage.abandon(),
  };
}

class ProcessStage implements KitShards {
  readonly checkpoints = new FakeCheckpoints();
  readonly history = new History();
  readonly #withinMs: number;
  readonly #folder: string;
  readonly #processes: ProgramProcesses;
  readonly #shards: BedShards;
  readonly #failures: Error[] = [];

  constructor(subject: RuntimeSubject, shards: readonly string[], folder: string) {
    this.#withinMs = subject.withinMs ?? WITHIN_MS;
    this.#folder = folder;
    this.#processes = new ProgramProcesses(subject, this.#report);
    this.#shards = new BedShards(this.#parts(subject), shards);
  }

  get shards(): BedShards['all'] {
    return this.#shards.all;
  }

  shard(which: string | number) {
    return this.#shards.find(which);
  }

  async quiet(): Promise<void> {
    const deadlineMs = realMs() + this.#withinMs;
    for (;;) {
      this.#throwFailure();
      const open = this.shards.find(({ unanswered, over }) => unanswered !== undefined && !over);
      if (open === undefined) return;
      if (realMs() > deadlineMs) throw this.#notIdle(`the answer to ${open.unanswered} on shard ${open.name}`);
      await shortWait();
    }
  }

  async split(which: string | number): Promise<void> {
    const parent = this.shard(which);
    parent.end();
    await this.quiet();
    assertEnded([parent]);
    for (const number of [1, 2]) this.#shards.openChild(`${parent.name}.${number}`);
  }

  async crash(): Promise<void> {
    this.#processes.kill();
    await this.#shards.crash();
  }

  async stop(): Promise<StageSeen> {
    for (const shard of this.shards) if (shard.acceptsRecords) shard.requestShutdown();
    await this.quiet();
    await this.#processes.ended(this.#withinMs);
    const settled = await readSettled(this.#report);
    await this.abandon();
    return seenOf(this, settled);
  }

  async abandon(): Promise<void> {
    this.#processes.kill();
    await this.#processes.ended(this.#withinMs);
    await rm(this.#folder, { recursive: true, force: true });
  }

  get #report(): string {
    return join(this.#folder, 'settled.jsonl');
  }

  #notIdle(what: string): MillraceError {
    const text = `Nothing has come for ${this.#withinMs} ms. Still waiting for ${what}.`;
    return new MillraceError('TEST_NOT_IDLE', `${text}\n${this.#processes.said()}`);
  }

  /** What the program said is the better half of the story. */
  #throwFailure(): void {
    const [failure] = this.#failures;
    if (failure === undefined) return;
    const code = failure instanceof MillraceError ? failure.code : 'TRANSPORT_FAILED';
    throw new MillraceError(code, `${failure.message}\n${this.#processes.said()}`, { cause: failure });
  }

  #parts({ consumer, env = {} }: RuntimeSubject): BedParts {
    const definition = typeof consumer === 'function' ? readDefinition(consumer) : consumer;
    const resolved = resolveFor(definition, { env });
    const placement = new Placement(() => realClock.now());
    return {
      // Of the history only: whoever waits here waits in real time.
      clock: new VirtualClock(),
      history: this.history,
      start: { sequenceNumber: resolved.settings.initialPosition.kind, subSequenceNumber: 0 },
      heartbeat: resolved.settings.heartbeat,
      messageTimeout: messageTimeoutOf(resolved, realClock),
      place: (record) => placement.place(record),
      wires: new DeliveredWires(),
      openRunner: (_, channel) => this.#processes.serve(channel),
      nextCheckpointError: () => this.checkpoints.next(),
      failed: (error) => {
        this.#failures.push(error);
        this.#shards.cut();
      },
      crash: () => this.#shards.crash(),
      settle: () => Promise.resolve(),
      advanceUntil: async (promise) => void (await promise),
    };
  }
}
