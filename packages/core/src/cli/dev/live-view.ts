/** Where every shard stands, computed from the events alone: the state behind the table and the summary lines. */
import type { PositionData } from '../../events.js';
import type { ErrorData, PlainSessionEvent } from '../../runtime/plain-event.js';

export type RowState =
  | 'starting'
  | 'ready'
  | 'running'
  | 'held'
  | 'stuck'
  | 'doubt'
  | 'draining'
  | 'ended'
  | 'shard end';

export interface ShardRow {
  readonly application: string;
  readonly shardId: string;
  readonly state: RowState;
  /** Of all sessions of the shard since the command started. */
  readonly totals: Totals;
  /** Of the sessions before this one: a session counts from zero. */
  readonly before: Totals;
  /** Settled records over time, oldest first. */
  readonly samples: readonly Sample[];
  readonly millisBehindLatest: number | undefined;
  readonly checkpoint: PositionData | 'SHARD_END' | undefined;
  readonly held: { readonly recordId: string | undefined; readonly why: string; readonly error: ErrorData } | undefined;
}

export interface Totals {
  readonly handled: number;
  readonly parked: number;
  readonly skipped: number;
  readonly filtered: number;
  readonly deduplicated: number;
  readonly retries: number;
}

interface Sample {
  readonly at: number;
  readonly settled: number;
}

/** By application and shard, in the order of their first session. */
export type LiveView = ReadonlyMap<string, ShardRow>;

export const NOTHING_SEEN: LiveView = new Map();

/** Long enough to smooth one batch a second, short enough to follow a change. */
const RATE_WINDOW_MS = 5_000;
const NONE: Totals = { handled: 0, parked: 0, skipped: 0, filtered: 0, deduplicated: 0, retries: 0 };

export function observe(view: LiveView, event: PlainSessionEvent): LiveView {
  const application = applicationOf(event.sessionId);
  const key = `${application}/${event.shardId}`;
  const row = view.get(key) ?? newRow(application, event.shardId);
  const next = nextRow(row, event);
  return next === row && view.has(key) ? view : new Map(view).set(key, next);
}

/** Records settled per second, lately. */
export function rateOf(row: ShardRow, now: number): number {
  const recent = row.samples.filter((sample) => now - sample.at <= RATE_WINDOW_MS);
  const base = row.samples.findLast((sample) => now - sample.at > RATE_WINDOW_MS)?.settled ?? 0;
  const settled = (recent.at(-1)?.settled ?? base) - base;
  return settled / (RATE_WINDOW_MS / 1000);
}

function settledOf({ handled, parked, skipped, filtered, deduplicated }: Totals): number {
  return handled + parked + skipped + filtered + deduplicated;
}

export function sumTotals(view: LiveView): Totals {
  return [...view.values()].reduce((sum, row) => add(sum, row.totals), NONE);
}

/** Session ids of the local engine are `<application>/<shard>#<number>`. */
export function applicationOf(sessionId: string): string {
  const end = sessionId.lastIndexOf('/');
  return end === -1 ? '' : sessionId.slice(0, end);
}

function newRow(application: string, shardId: string): ShardRow {
  return {
    application,
    shardId,
    state: 'starting',
    totals: NONE,
    before: NONE,
    samples: [],
    millisBehindLatest: undefined,
    checkpoint: undefined,
    held: undefined,
  };
}

function nextRow(row: ShardRow, event: PlainSessionEvent): ShardRow {
  switch (event.kind) {
    case 'sessionStarted':
      return { ...row, state: 'starting', before: row.totals, held: undefined };
    case 'sessionReady':
      return { ...row, state: 'ready' };
    case 'delivered':
      return {
        ...row,
        state: event.records > 0 ? 'running' : row.state,
        millisBehindLatest: event.millisBehindLatest ?? row.millisBehindLatest,
      };
    case 'acknowledged':
      return event.unsettled === 0 && (row.state === 'running' || row.state === 'stuck')
        ? { ...row, state: 'ready' }
        : row;
    case 'progress':
      return withTotals(row, add(row.before, { ...event.settled, retries: event.retries }), event.at);
    case 'held':
      return { ...row, state: 'held', held: { recordId: event.recordId, why: event.why, error: event.error } };
    case 'released':
      return { ...row, state: 'running', held: undefined };
    case 'stuck':
      return { ...row, state: 'stuck' };
    case 'checkpointAnswered':
      return event.error === undefined ? { ...row, checkpoint: event.target } : row;
    case 'leaseDoubt':
      return { ...row, state: 'doubt' };
    case 'draining':
      return { ...row, state: 'draining' };
    case 'sessionEnded':
      return { ...row, state: row.checkpoint === 'SHARD_END' ? 'shard end' : 'ended', held: undefined };
    case 'checkpointRequested':
    case 'windowEmitted':
    case 'ordered':
    case 'circuitBreaker':
    case 'handlerStarted':
    case 'handlerEnded':
    case 'retryScheduled':
    case 'recordSettled':
    case 'recordAbsorbed':
    case 'recordDeferred':
    case 'recordAbandoned':
      return row;
    default:
      return event satisfies never;
  }
}

/** Keeps the samples of the window and the one before it, which the rate counts from. */
function withTotals(row: ShardRow, totals: Totals, at: number): ShardRow {
  const base = row.samples.findLastIndex((sample) => at - sample.at > RATE_WINDOW_MS);
  const samples = [...row.samples.slice(Math.max(0, base)), { at, settled: settledOf(totals) }];
  return { ...row, totals, samples };
}

function add(left: Totals, right: Totals): Totals {
  return {
    handled: left.handled + right.handled,
    parked: left.parked + right.parked,
    skipped: left.skipped + right.skipped,
    filtered: left.filtered + right.filtered,
    deduplicated: left.deduplicated + right.deduplicated,
    retries: left.retries + right.retries,
  };
}
