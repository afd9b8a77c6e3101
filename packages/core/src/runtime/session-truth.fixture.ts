/**
 * What really happened to records, told by the handlers, handles and sinks themselves and by nothing of the runtime:
 * whoever promises that a checkpoint covers only settled records is held to this.
 */

export type Fate =
  /** Its handler runs, or will run. */
  | 'open'
  /** Its latest attempt failed. */
  | 'failed'
  /** Under `manual`: its handler returned. */
  | 'returned'
  | 'deferred'
  /** Its handle said that it failed: it is decided beside the shard's actions. */
  | 'deciding'
  /** Handled, declared done, parked or skipped. */
  | 'settled';

export interface RecordTruth {
  readonly n: number;
  attempts: number;
  running: boolean;
  fate: Fate;
}

/** One run of a batch handler: its items with the number of their attempt. */
export interface BatchRun {
  readonly attempts: ReadonlyMap<number, number>;
  readonly failed: Set<number>;
  readonly strict: boolean;
  /** The last record that had been started when this run began. */
  readonly end: number;
}

export class Truth {
  readonly records = new Map<number, RecordTruth>();
  /** How many records have come, started or not. */
  delivered = 0;
  /** Those whose handlers ignore their signal, as the session has said. */
  readonly stuck = new Set<number>();
  readonly #manual: boolean;
  /** Records run beside each other, so one may be declared while an earlier one runs: it is done when it returns. */
  readonly #lanes: boolean;
  #declaredUpTo = -1;

  constructor(manual: boolean, lanes: boolean) {
    this.#manual = manual;
    this.#lanes = lanes;
  }

  of(n: number): RecordTruth {
    const known = this.records.get(n) ?? { n, attempts: 0, running: false, fate: 'open' };
    this.records.set(n, known);
    return known;
  }

  with(...fates: readonly Fate[]): readonly number[] {
    return [...this.records.values()].filter(({ fate }) => fates.includes(fate)).map(({ n }) => n);
  }

  get running(): readonly number[] {
    return [...this.records.values()].filter(({ running }) => running).map(({ n }) => n);
  }

  unsettledUpTo(n: number): readonly number[] {
    const last = Math.min(n, this.delivered - 1);
    return Array.from({ length: last + 1 }, (_, index) => index).filter(
      (each) => this.records.get(each)?.fate !== 'settled',
    );
  }

  /** The last record up to which all are settled; -1 before the first. */
  get watermark(): number {
    let n = -1;
    while (this.records.get(n + 1)?.fate === 'settled') n += 1;
    return n;
  }

  /** The number of the attempt. */
  started(n: number): number {
    const record = this.of(n);
    this.stuck.delete(n);
    record.attempts += 1;
    record.running = true;
    if (record.fate !== 'settled') record.fate = 'open';
    return record.attempts;
  }

  ended(n: number, attempt: number, how: 'ok' | 'failed'): void {
    const record = this.of(n);
    if (record.attempts !== attempt) return;
    record.running = false;
    if (record.fate !== 'open') return;
    if (how === 'failed') record.fate = 'failed';
    else record.fate = this.#manual && n > this.#declaredUpTo ? 'returned' : 'settled';
  }

  settled(n: number): void {
    this.of(n).fate = 'settled';
  }

  /** Whether `context.defer()` of this attempt is allowed. */
  mayDefer(n: number, attempt: number): boolean {
    const { running, attempts, fate } = this.of(n);
    return running && attempts === attempt && fate === 'open';
  }

  deferred(n: number): void {
    if (this.of(n).fate === 'open') this.of(n).fate = 'deferred';
  }

  done(n: number): void {
    if (this.of(n).fate === 'deferred') this.settled(n);
  }

  failed(n: number): void {
    if (this.of(n).fate === 'deferred') this.of(n).fate = 'deciding';
  }

  /** `context.checkpoint()` of this attempt: under `manual` the record and all that returned before it are done. */
  declared(n: number, attempt: number): void {
    const record = this.of(n);
    if (!this.#manual || record.attempts !== attempt || record.fate === 'failed') return;
    if (this.#lanes) this.#declaredUpTo = Math.max(this.#declaredUpTo, n);
    for (const other of this.records.values()) if (other.n <= n && other.fate === 'returned') other.fate = 'settled';
    if (record.running && record.fate === 'open') record.fate = 'settled';
  }

  /** The same for a batch: the items of this run that it has not failed, and all that ran before it. */
  declaredBatch(run: BatchRun): void {
    if (!this.#manual) return;
    for (const record of [...this.records.values()].toSorted((a, b) => a.n - b.n)) {
      if (record.n > run.end) return;
      const failed = run.failed.has(record.n) && record.fate !== 'settled';
      if (failed && run.strict) return;
      const own = record.running && run.attempts.get(record.n) === record.attempts;
      if (!failed && (record.fate === 'returned' || (record.fate === 'open' && own))) record.fate = 'settled';
    }
  }

  endedBatch(run: BatchRun, how: 'ok' | 'failed'): void {
    let cut = false;
    for (const [n, attempt] of run.attempts) {
      // A throw fails all that is not settled, also for those who ask this run's context later.
      if (how === 'failed' && this.of(n).fate !== 'settled') run.failed.add(n);
      cut ||= run.strict && run.failed.has(n);
      this.ended(n, attempt, how === 'failed' || cut || run.failed.has(n) ? 'failed' : 'ok');
    }
  }
}
