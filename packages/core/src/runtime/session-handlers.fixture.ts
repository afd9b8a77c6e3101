/** User code of a random session: it does what its plan says and tells the truth about it. */
import type { Batch, BatchContext, Deferred, RecordContext } from '../definition/context.js';
import { NonRetryableError, StopWorkerError } from '../errors.js';
import type { ManualClock } from '../../test/support/manual-clock.js';
import { type Behaviour, groupingOf, keyOfRecord, lanesOf, type Plan } from './session-plan.fixture.js';
import type { BatchRun, Truth } from './session-truth.fixture.js';

export interface Payload {
  readonly n: number;
}

export interface UserCodeOptions {
  readonly plan: Plan;
  readonly truth: Truth;
  readonly clock: () => ManualClock;
  readonly violate: (what: string) => void;
}

type DeferBehaviour = Extract<Behaviour, { kind: 'defer' }>;

export class UserCode {
  /** Timers of the user's own that have not fired: they are not the session's. */
  pauses = 0;
  readonly #options: UserCodeOptions;
  #healthy = false;
  readonly #contexts: { readonly n: number; readonly attempt: number; readonly context: RecordContext }[] = [];
  readonly #batches: { readonly run: BatchRun; readonly context: BatchContext }[] = [];
  readonly #handles: { readonly n: number; readonly handle: Deferred }[] = [];
  readonly #release: (() => void)[] = [];
  /** Failed with others beside them, without a word on which of them it was. */
  readonly #suspects = new Set<number>();

  constructor(options: UserCodeOptions) {
    this.#options = options;
  }

  /** From here on nothing fails, nothing hangs, and every handle is done. */
  heal(): void {
    this.#healthy = true;
    for (const release of this.#release.splice(0)) release();
    for (const { n, handle } of this.#handles.splice(0)) this.#done(n, handle);
  }

  /** What a consumer under `manual` does in the end: it declares the last record that it got. */
  declareLast(): void {
    const last = Math.max(-1, ...this.#contexts.map(({ n }) => n));
    this.useStaleContext(
      this.#contexts.findLastIndex(({ n }) => n === last),
      false,
    );
    if (this.#contexts.length === 0) this.useStaleContext(this.#batches.length - 1, false);
  }

  useStaleContext(pick: number, defers: boolean): void {
    const one = this.#contexts[pick % Math.max(1, this.#contexts.length)];
    if (one !== undefined && defers) this.#staleDefer(one);
    else if (one !== undefined) this.#checkpoint(one.n, one.attempt, one.context).catch(() => undefined);
    const many = this.#batches[pick % Math.max(1, this.#batches.length)];
    if (many !== undefined) this.#checkpointBatch(many.run, many.context).catch(() => undefined);
  }

  one({ n }: Payload, context: RecordContext): void | Promise<void> {
    this.#mayStart(n);
    const { truth } = this.#options;
    const attempt = truth.started(n);
    this.#contexts.push({ n, attempt, context });
    let result: void | Promise<void>;
    try {
      result = this.#behave(n, this.#behaviourOf(n), context);
    } catch (error) {
      truth.ended(n, attempt, 'failed');
      throw error;
    }
    if (result === undefined) return truth.ended(n, attempt, 'ok');
    return result.then(
      () => truth.ended(n, attempt, 'ok'),
      (error: unknown) => {
        truth.ended(n, attempt, 'failed');
        throw error;
      },
    );
  }

  many(batch: Batch<Payload>, context: BatchContext): Promise<void> {
    const { truth, plan, violate } = this.#options;
    const numbers = batch.map(({ value }) => value.n);
    if (truth.running.length > 0) violate(`a batch started while ${truth.running.join()} ran`);
    if (numbers.some((n) => truth.of(n).fate === 'settled')) violate('a settled item ran again');
    this.#checkBatch(numbers);
    for (const n of numbers) this.#suspects.delete(n);
    const attempts = new Map(numbers.map((n) => [n, truth.started(n)]));
    const end = Math.max(...truth.records.keys());
    const run: BatchRun = { attempts, end, failed: new Set(), strict: plan.shape === 'strict' };
    this.#batches.push({ run, context });
    const ending = this.#behaveInTurn(batch, run, context);
    // Nobody can know of the end before the promise says so; told here, it is known one callback before the runtime knows.
    ending.then(
      () => truth.endedBatch(run, 'ok'),
      (error: unknown) => this.#batchFailed(run, { error, inTime: !context.signal.aborted }),
    );
    return ending;
  }

  async #behaveInTurn(batch: Batch<Payload>, run: BatchRun, context: BatchContext): Promise<void> {
    for (const item of batch) await this.#behaveInBatch(item, run, context);
  }

  #batchFailed(run: BatchRun, { error, inTime }: { readonly error: unknown; readonly inTime: boolean }): void {
    const { truth } = this.#options;
    const suspects = [...run.attempts.keys()].filter((n) => truth.of(n).fate === 'open');
    // A run that came too late failed for that, whatever it throws.
    const final = error instanceof NonRetryableError && inTime;
    const explained = run.failed.size > 0 || suspects.length < 2 || !final;
    if (!explained) for (const n of suspects) this.#suspects.add(n);
    truth.endedBatch(run, 'failed');
  }

  /** Batches come in order, none behind one that has not ended; under `strict` nor any part of one. */
  #checkBatch(numbers: readonly number[]): void {
    const { truth, plan, violate } = this.#options;
    const { maxItems = Infinity, maxWaitMs } = groupingOf(plan);
    const [first = 0] = numbers;
    if (numbers.length === 0 || numbers.length > maxItems) violate(`a batch of ${numbers.length} items`);
    if (numbers.some((n, index) => n <= (numbers[index - 1] ?? -1))) violate(`a batch out of order: ${numbers.join()}`);
    const anew = numbers.filter((n) => truth.of(n).attempts === 0);
    if (anew.length > 0 && anew.length < numbers.length) violate(`a batch of old and new: ${numbers.join()}`);
    if (anew.length === 0 && plan.shape !== 'strict') return;
    const before = truth.unsettledUpTo(first - 1).filter((n) => truth.of(n).fate !== 'returned');
    if (before.length > 0) violate(`a batch started with ${first} before ${before.join()} ended`);
    if (maxWaitMs !== undefined) for (const n of anew) this.#checkWindow(n);
  }

  /** Whoever asks for halving wants nothing parked that was not found out. */
  checkParked(n: number): void {
    const { truth, plan, violate } = this.#options;
    const { fate } = truth.of(n);
    if (fate !== 'failed' && fate !== 'deciding') violate(`${n} was parked and is ${fate}`);
    if (plan.bisect && this.#suspects.has(n)) violate(`${n} was parked with its batch`);
  }

  #mayStart(n: number): void {
    if (lanesOf(this.#options.plan) !== undefined) return this.#mayStartInLane(n);
    const { truth, violate } = this.#options;
    const before = truth.with('open', 'failed').filter((other) => other < n);
    const after = [...truth.records.keys()].filter((other) => other > n);
    if (truth.running.length > 0) violate(`${n} started while ${truth.running.join()} ran`);
    if (before.length > 0) violate(`${n} started before ${before.join()} ended`);
    if (after.length > 0) violate(`${n} started after ${after.join()}`);
    if (truth.of(n).fate === 'settled') violate(`${n} started again after it was settled`);
    if (truth.of(n).attempts > 0) return;
    const deciding = truth.with('deciding');
    if (deciding.length > 0) violate(`${n} started while ${deciding.join()} were being decided`);
    this.#checkWindow(n);
  }

  #mayStartInLane(n: number): void {
    const { truth, plan, violate } = this.#options;
    const lane = (numbers: readonly number[]): readonly number[] =>
      numbers.filter((other) => keyOfRecord(n) === keyOfRecord(other));
    const running = truth.running.filter((other) => !truth.stuck.has(other));
    if (running.length >= (lanesOf(plan) ?? 0)) violate(`${n} started beside ${running.join()}`);
    const before = lane(truth.unsettledUpTo(n - 1)).filter(
      (other) => !truth.with('deferred', 'returned').includes(other),
    );
    const after = lane([...truth.records.keys()]).filter((other) => other > n);
    if (lane(truth.running).length > 0) violate(`${n} started while ${lane(truth.running).join()} ran in its lane`);
    if (truth.of(n).fate === 'settled') violate(`${n} started again after it was settled`);
    if (after.length > 0) violate(`${n} started after ${after.join()} of its lane`);
    const deciding = lane(truth.with('deciding'));
    if (truth.of(n).attempts > 0) return;
    if (before.length > 0) violate(`${n} started before ${before.join()} of its lane ended`);
    if (deciding.length > 0) violate(`${n} started while ${deciding.join()} were being decided`);
    this.#checkWindow(n);
  }

  #checkWindow(n: number): void {
    const { truth, plan, violate } = this.#options;
    const [oldest = n] = truth.unsettledUpTo(n);
    if (n - oldest >= plan.maxInFlight)
      violate(`${n} started, ${oldest} is not settled and maxInFlight is ${plan.maxInFlight}`);
  }

  #behaviourOf(n: number): Behaviour {
    const { behaviours } = this.#options.plan;
    const chosen = behaviours[n % behaviours.length];
    return this.#healthy || chosen === undefined ? { kind: 'return' } : chosen;
  }

  #behave(n: number, chosen: Behaviour, context: RecordContext): void | Promise<void> {
    switch (chosen.kind) {
      case 'return':
        return undefined;
      case 'work':
        return chosen.deaf ? this.#pause(chosen.delayMs) : context.sleep(chosen.delayMs);
      case 'throw':
        if (context.attempt > chosen.times) return undefined;
        if (chosen.delayMs === 0) throw this.#failure(n, chosen.final);
        return this.#pause(chosen.delayMs).then(() => Promise.reject(this.#failure(n, chosen.final)));
      case 'defer':
        return this.#defer(n, chosen, context);
      case 'checkpoint': {
        const asked = this.#checkpoint(n, this.#options.truth.of(n).attempts, context);
        asked.catch(() => undefined);
        if (chosen.thenThrow) throw new Error('after declaring');
        return chosen.awaited ? asked : undefined;
      }
      case 'hang':
        return new Promise((resolve) => this.#release.push(resolve));
      case 'stop':
        throw new StopWorkerError('enough');
      default:
        return chosen satisfies never;
    }
  }

  async #behaveInBatch(item: Batch<Payload>[number], run: BatchRun, context: BatchContext): Promise<void> {
    const { n } = item.value;
    const chosen = this.#behaviourOf(n);
    const { attempts, fate } = this.#options.truth.of(n);
    switch (chosen.kind) {
      case 'return':
      case 'defer':
        return;
      case 'work':
        return chosen.deaf ? this.#pause(chosen.delayMs) : context.sleep(chosen.delayMs);
      case 'throw':
        if (attempts > chosen.times) return;
        if (chosen.delayMs > 0) throw this.#failure(n, chosen.final);
        // What was declared done before stays done.
        if (fate === 'open') run.failed.add(n);
        item.fail(this.#failure(n, chosen.final));
        return;
      case 'checkpoint': {
        const asked = this.#checkpointBatch(run, context);
        asked.catch(() => undefined);
        return chosen.awaited ? asked : undefined;
      }
      case 'hang':
        return new Promise((resolve) => this.#release.push(resolve));
      case 'stop':
        throw new StopWorkerError('enough');
      default:
        chosen satisfies never;
    }
  }

  #checkpoint(n: number, attempt: number, context: RecordContext): Promise<void> {
    this.#options.truth.declared(n, attempt);
    return context.checkpoint();
  }

  #checkpointBatch(run: BatchRun, context: BatchContext): Promise<void> {
    this.#options.truth.declaredBatch(run);
    return context.checkpoint();
  }

  #defer(n: number, { delayMs, end }: DeferBehaviour, context: RecordContext): void {
    const handle = context.defer();
    this.#options.truth.deferred(n);
    this.#handles.push({ n, handle });
    if (end === 'never') return;
    const finish = (): void => {
      if (end !== 'done') this.#fail(n, handle);
      if (end !== 'fail') this.#done(n, handle);
    };
    if (delayMs === 0) finish();
    else void this.#pause(delayMs).then(finish);
  }

  #staleDefer({
    n,
    attempt,
    context,
  }: {
    readonly n: number;
    readonly attempt: number;
    readonly context: RecordContext;
  }) {
    const { truth, violate } = this.#options;
    const allowed = truth.mayDefer(n, attempt);
    try {
      this.#handles.push({ n, handle: context.defer() });
    } catch {
      // Refused, as it must be unless that very attempt runs.
      return;
    }
    if (!allowed) violate(`${n} was deferred by attempt ${attempt}, which does not run`);
    truth.deferred(n);
  }

  #done(n: number, handle: Deferred): void {
    this.#options.truth.done(n);
    handle.done();
  }

  #fail(n: number, handle: Deferred): void {
    this.#options.truth.failed(n);
    handle.fail(new Error('the flush failed'));
  }

  #failure(n: number, final: boolean): Error {
    const message = this.#options.plan.alike ? 'no' : `no ${n}`;
    return final ? new NonRetryableError(message) : new Error(message);
  }

  #pause(delayMs: number): Promise<void> {
    this.pauses += 1;
    return new Promise((resolve) => {
      this.#options.clock().setTimer(delayMs, () => {
        this.pauses -= 1;
        resolve();
      });
    });
  }
}
