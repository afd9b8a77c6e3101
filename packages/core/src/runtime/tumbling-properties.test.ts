/**
 * Windows over whole lives of a shard at random: sessions that end in a crash and start again from the last stored
 * checkpoint, handlers and emits that fail, daemons that refuse checkpoints. What is emitted is all that counts.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { windowHandler } from '../definition/define-consumer.js';
import { NonRetryableError } from '../errors.js';
import { TestSession, wire } from './session.fixture.js';

const T0 = 1_699_999_980_000;
const EVERY_MS = 10_000;

const plan = fc.record({
  /** Milliseconds between the arrivals of two records; some arrive before their predecessor. */
  gaps: fc.array(fc.constantFrom(0, 1, 3_000, 9_000, 25_000, -2_000), { minLength: 1, maxLength: 14 }),
  /** Which records are poison. */
  poison: fc.array(fc.nat({ max: 13 }), { maxLength: 2 }),
  policy: fc.constantFrom('record' as const, 'batch' as const, { everyRecords: 3 }, { everyMs: 1_000 }),
  moves: fc.array(
    fc.oneof(
      {
        weight: 6,
        arbitrary: fc.record({ kind: fc.constant('deliver' as const), count: fc.integer({ min: 0, max: 4 }) }),
      },
      {
        weight: 2,
        arbitrary: fc.record({ kind: fc.constant('advance' as const), ms: fc.constantFrom(500, 4_000, 30_000) }),
      },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant('crash' as const), stop: fc.boolean() }) },
      {
        weight: 2,
        arbitrary: fc.record({ kind: fc.constant('failEmits' as const), times: fc.integer({ min: 1, max: 4 }) }),
      },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('refuse' as const) }) },
    ),
    { maxLength: 16 },
  ),
});
type Plan = typeof plan extends fc.Arbitrary<infer P> ? P : never;

interface Life {
  readonly session: TestSession;
  /** Emitted in this session. */
  readonly emitted: Set<number>;
}

class Shard {
  readonly emitted = new Set<number>();
  readonly violations: string[] = [];
  windows = 0;
  crashes = 0;
  readonly #plan: Plan;
  readonly #arrivals: number[] = [];
  #life: Life;
  #next = 0;
  #stored = -1;
  #failEmits = 0;

  constructor(chosen: Plan) {
    this.#plan = chosen;
    let arrivedAt = T0;
    for (const gap of chosen.gaps) this.#arrivals.push((arrivedAt += gap));
    this.#life = this.#open();
  }

  async play(): Promise<void> {
    await this.#life.session.initialize();
    for (const move of this.#plan.moves) await this.#move(move);
    this.#failEmits = 0;
    this.#life.session.checkpointErrors.length = 0;
    await this.#deliver(Infinity);
    const ended = this.#life.session.daemon.shardEnded();
    await this.#life.session.clock.advance(120_000);
    await this.#life.session.during(ended);
    this.#look();
    const lost = this.#arrivals.flatMap((_, n) => (this.#isDone(n) ? [] : [n]));
    if (lost.length > 0) this.violations.push(`${lost.join()} were lost`);
    if (this.#life.session.checkpoints.at(-1) !== 'SHARD_END') this.violations.push('the shard did not end');
  }

  async #move(move: Plan['moves'][number]): Promise<void> {
    const { session } = this.#life;
    switch (move.kind) {
      case 'deliver':
        return this.#deliver(move.count);
      case 'advance':
        await session.clock.advance(move.ms);
        return this.#deliver(0);
      case 'failEmits':
        this.#failEmits = move.times;
        return;
      case 'refuse':
        session.checkpointErrors.push('ThrottlingException', 'InvalidStateException');
        return;
      case 'crash':
        return this.#restart(move.stop);
      default:
        return move satisfies never;
    }
  }

  async #deliver(count: number): Promise<void> {
    const { session } = this.#life;
    const records = this.#arrivals.slice(this.#next, this.#next + count).map((arrivedAt, index) => {
      const n = this.#next + index;
      return wire(n, { approximateArrivalTimestamp: arrivedAt });
    });
    this.#next += records.length;
    const left = this.#next < this.#arrivals.length;
    const done = session.daemon.processRecords(records, left ? 1_000 : 0);
    done.catch(() => undefined);
    // Long enough for every retry of an emit and of a checkpoint.
    await session.clock.advance(60_000);
    await session.during(done);
    this.#look();
  }

  async #restart(stop: boolean): Promise<void> {
    const { session } = this.#life;
    if (stop) {
      const requested = session.daemon.shutdownRequested();
      requested.catch(() => undefined);
      await session.clock.advance(60_000);
      await session.during(requested);
    }
    this.#look();
    await session.daemon.end();
    await session.outcome;
    if (session.clock.pendingTimers > 0) this.violations.push('timers are left');
    this.crashes += 1;
    this.#life = this.#open();
    this.#next = this.#stored + 1;
    await this.#life.session.initialize();
  }

  /** No checkpoint may cover what is neither emitted nor parked. */
  #look(): void {
    const { session } = this.#life;
    for (const stored of session.checkpoints) {
      const upTo = stored === 'SHARD_END' ? this.#arrivals.length - 1 : Number(stored);
      this.#stored = Math.max(this.#stored, upTo);
      for (let n = 0; n <= upTo; n += 1)
        if (!this.#isDone(n)) this.violations.push(`the checkpoint at ${stored} covers ${n}, which was not emitted`);
    }
  }

  #isDone(n: number): boolean {
    return this.emitted.has(n) || this.#plan.poison.includes(n);
  }

  #open(): Life {
    const emitted = new Set<number>();
    const totals = windowHandler({
      name: 'totals',
      everyMs: EVERY_MS,
      state: (): number[] => [],
      handle: (payload, context) => {
        const { n } = payload as { readonly n: number };
        if (this.#plan.poison.includes(n)) throw new NonRetryableError('poison');
        context.state.push(n);
      },
      emit: (numbers, { records, startMs, endMs }) => {
        if (this.#failEmits > 0) {
          this.#failEmits -= 1;
          throw new Error('down');
        }
        this.windows += 1;
        if (records !== numbers.length) this.violations.push(`${records} records said, ${numbers.length} in the state`);
        const late = numbers.filter((n) => (this.#arrivals[n] ?? 0) >= endMs);
        if (late.length > 0) this.violations.push(`${late.join()} do not belong to the window of ${startMs}`);
        for (const n of numbers) {
          if (emitted.has(n)) this.violations.push(`${n} was emitted twice in one session`);
          emitted.add(n);
          this.emitted.add(n);
        }
      },
    });
    const session = new TestSession({
      handlers: [totals],
      checkpoint: this.#plan.policy,
      retry: { attempts: 2, initialDelayMs: 100, maxDelayMs: 1_000 },
      deadLetter: { sink: 'fake' },
    });
    return { session, emitted };
  }
}

describe('windows at random', () => {
  it('lose no record, emit none twice in a session, and are never checkpointed before they are emitted', async () => {
    const seen = { windows: 0, crashes: 0 };
    await fc.assert(
      fc.asyncProperty(plan, async (chosen) => {
        const shard = new Shard(chosen);
        await shard.play();
        expect(shard.violations).toEqual([]);
        seen.windows += shard.windows;
        seen.crashes += shard.crashes;
      }),
      { numRuns: 1_000 },
    );
    expect(seen.windows).toBeGreaterThan(2_000);
    expect(seen.crashes).toBeGreaterThan(400);
  }, 60_000);
});
