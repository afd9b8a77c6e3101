/**
 * Tumbling windows: records go into a state one after the other, and the state is emitted when its window is over. While a
 * window is open the watermark stays before its first record and keeps one position: no payload is kept, and after a crash
 * the next owner reads the window's records again and computes it anew.
 */
import type { WindowContext } from '../definition/context.js';
import type { WindowHandler } from '../definition/definition.js';
import { MillraceError } from '../errors.js';
import { decide } from '../policy/retry.js';
import { isBehind, isOver, windowAt } from '../policy/tumbling.js';
import { Attempt, type AttemptResult } from './attempt.js';
import { EmitContext } from './contexts.js';
import type { Endings } from './ending.js';
import { OpenWindow, type WindowFacts, type WindowState } from './open-window.js';
import { sleepUntilAborted, whenAborted } from './race.js';
import { RecordRunner, type Absorber, type RunnerOptions } from './record-runner.js';
import type { RecordSlot } from './record-slot.js';
import type { LastBatch, SessionParts } from './session-parts.js';
import type { Window } from './window.js';

type ClosedBy = WindowContext['closedBy'];
type How = 'handled' | 'skipped';

export class TumblingWindows implements Absorber {
  readonly #parts: SessionParts;
  readonly #endings: Endings;
  readonly #window: Window;
  readonly #handler: WindowHandler;
  readonly #runner: RecordRunner;
  #open: OpenWindow | undefined;
  #emittedUntilMs = -Infinity;

  constructor({ parts, endings, window }: Omit<RunnerOptions, 'absorber'>, handler: WindowHandler) {
    this.#parts = parts;
    this.#endings = endings;
    this.#window = window;
    this.#handler = handler;
    this.#runner = new RecordRunner({ parts, endings, window, absorber: this });
  }

  /** What health says of it. */
  get current(): OpenWindow | undefined {
    return this.#open;
  }

  /** The window of the record that runs; the runner asks only then. */
  get open(): WindowState {
    if (this.#open === undefined) throw new TypeError('No window is open.');
    return this.#open;
  }

  /** Takes the records in order, and emits on the way each window that is over. */
  async run(slots: readonly RecordSlot[], batch: LastBatch): Promise<void> {
    const { life, ports, checkpointer } = this.#parts;
    this.#runner.delivered(batch);
    for (const slot of slots) {
      if (this.#open !== undefined && isBehind(this.#open, slot.arrivedAt)) await this.#close('record');
      if (!this.#window.hasRoomFor(slot) && life.accepting) await this.#window.whenRoomFor(slot);
      if (!life.accepting) {
        this.#runner.abandon(slot, 'no further handler starts');
        continue;
      }
      this.#open ??= this.#windowOf(slot);
      const running = this.#runner.run(slot);
      if (running !== undefined) await running;
      const written = checkpointer.afterRecord();
      if (written !== undefined) await written;
    }
    if (this.#open !== undefined && isOver(this.#open, ports.clock.now(), batch.millisBehindLatest))
      await this.#close('clock');
  }

  absorbed(slot: RecordSlot): void {
    const { report } = this.#parts;
    this.#open?.take(slot, report.watchesRecords);
    this.#endings.absorb(slot);
    report.emitRecord(slot, { kind: 'recordAbsorbed' });
  }

  /** The rest of the shard is the last window; a stop emits nothing, and the next owner computes the open one anew. */
  async whenIdle(): Promise<void> {
    if (this.#open !== undefined) await this.#close('shardEnd');
  }

  /** What was taken and not emitted belongs to the next owner; how many records that is. */
  abandonRest(): number {
    const open = this.#open;
    this.#open = undefined;
    if (open === undefined) return 0;
    this.#parts.report.abandonWindow(open);
    return open.records;
  }

  #windowOf({ arrivedAt }: RecordSlot): OpenWindow {
    const { everyMs, state } = this.#handler;
    const bounds = windowAt(arrivedAt ?? this.#parts.ports.clock.now(), everyMs, this.#emittedUntilMs);
    return new OpenWindow(bounds, state);
  }

  /** Resolves when the window is emitted, or when the session ends before. */
  async #close(closedBy: ClosedBy): Promise<void> {
    const open = this.#open;
    if (open === undefined) return;
    if (open.first === undefined) this.#open = undefined;
    else {
      const facts = { ...open.facts(this.#parts.facts.shardId), closedBy };
      const how = await this.#emit(open, facts);
      if (how !== undefined) this.#emitted(open, { facts, how });
    }
  }

  #emitted(open: OpenWindow, { facts, how }: { readonly facts: WindowFacts; readonly how: How }): void {
    const { watermark, report, checkpointer, holds } = this.#parts;
    this.#open = undefined;
    this.#emittedUntilMs = open.endMs;
    holds.release();
    watermark.release();
    report.countWindow(open, facts, how);
    checkpointer.recordSettled(open.records);
  }

  /** Undefined when the session ended before. A window cannot be parked: its records are gone from memory. */
  async #emit(open: OpenWindow, facts: WindowFacts): Promise<How | undefined> {
    const { life, ports, holds, report, requestStop, starts } = this.#parts;
    let usedUp = 0;
    for (let attempt = 1; life.accepting; attempt += 1) {
      if (!(await this.#mayStart(open))) return undefined;
      const result = await this.#attempt(open, { ...facts, attempt });
      if (result.kind === 'abandoned') {
        starts?.giveUpWindow(open);
        return undefined;
      }
      const used = starts?.leftWindow(open, this.#handler, result) ?? true;
      if (result.kind === 'returned') return 'handled';
      const { error } = result;
      if (used) usedUp += 1;
      const { rules: policy, retryable } = this.#endings.rulesFor(this.#handler, error);
      const decision = decide({ policy, retryable, attempts: usedUp, error, ageMs: undefined }, ports.random);
      report.log.error(
        { err: error, attempts: attempt, window: facts.id },
        `A window was not emitted: ${error.message}`,
      );
      if (decision.kind === 'retry' || decision.kind === 'wait') {
        report.countRun();
        await sleepUntilAborted(ports.clock, decision.delayMs, life.intake);
        continue;
      }
      if (decision.kind === 'stopWorker' || decision.then === 'stop') {
        requestStop(error);
        return undefined;
      }
      if (decision.then === 'skip') return 'skipped';
      holds.hold(undefined, `the window ${facts.id} cannot be emitted (${error.message})`, error);
      if (decision.retryable) await sleepUntilAborted(ports.clock, policy.maxDelayMs, life.intake);
      else await whenAborted(life.intake);
    }
    return undefined;
  }

  /** Past the circuit breaker; false when nothing starts any more. */
  async #mayStart(open: OpenWindow): Promise<boolean> {
    const { starts, life } = this.#parts;
    while (starts !== undefined) {
      const entering = starts.enterWindow(open);
      if (entering === undefined) return true;
      if (!(await entering)) return false;
      if (life.accepting && starts.isCurrent(open)) return true;
      starts.giveUpWindow(open);
      if (!life.accepting) return false;
    }
    return true;
  }

  async #attempt(open: OpenWindow, facts: WindowFacts & Pick<WindowContext, 'attempt'>): Promise<AttemptResult> {
    const { ports, life, report, consumer, instance, holds, facts: shard, starts } = this.#parts;
    const name = `${consumer.definition.name}.${this.#handler.name} (emit)`;
    const attempt = new Attempt({
      clock: ports.clock,
      timeoutMs: this.#endings.policyOf(this.#handler).timeoutMs,
      handler: name,
      recordId: undefined,
      over: life.over,
      onStuck: (runningMs) => {
        const why = `${name} has been running for ${runningMs} ms and ignores its aborted signal`;
        report.emit({ kind: 'stuck', recordId: undefined, handler: name, runningMs });
        const error = new MillraceError('HANDLER_TIMEOUT', `${why}.`, { details: { handler: name, runningMs } });
        holds.hold(undefined, why, error);
        starts?.stuckWindow(open, this.#handler, error);
      },
    });
    const basis = { shardId: shard.shardId, clock: ports.clock, log: report.log, signalOf: () => attempt.signal };
    const context = new EmitContext(basis, facts);
    return attempt.run(() => this.#handler.emit(instance, open.state, context));
  }
}
