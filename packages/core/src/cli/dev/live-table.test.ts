import { expect, it } from 'vitest';
import type { PlainSessionEvent } from '../../runtime/plain-event.js';
import { formatTable } from './live-table.js';
import { NOTHING_SEEN, observe, type LiveView } from './live-view.js';

const seen = (...events: readonly PlainSessionEvent[]) =>
  events.reduce<LiveView>((view, event) => observe(view, event), NOTHING_SEEN);
const common = { at: 1_000, sessionId: 'mailer/shardId-000000000000#1', shardId: 'shardId-000000000000' };
const settled = { handled: 30, parked: 1, skipped: 0, filtered: 0, deduplicated: 0 };
const working = [
  { ...common, kind: 'sessionReady' },
  { ...common, kind: 'delivered', records: 31, millisBehindLatest: 1_500 },
  { ...common, kind: 'progress', settled, retries: 4 },
  {
    ...common,
    kind: 'checkpointAnswered',
    target: { sequenceNumber: '49680480871057446418053550767432', subSequenceNumber: 0 },
    error: undefined,
  },
] as const satisfies readonly PlainSessionEvent[];
const plain = { now: 1_000, columns: 100, paint: (_: string, text: string) => text };

it('is a line for every shard, and the sums', () => {
  expect(formatTable(seen(...working), plain).split('\n')).toEqual([
    'shard          state    records/s    lag  checkpoint  retries  parked',
    'shardId-…0000  running        6.2  1.5 s   …50767432        4       1',
    '30 handled, 1 parked, 4 retries since the start; Ctrl-C ends',
  ]);
});

it('counts what was filtered', () => {
  const filtered = { ...working[2], settled: { ...settled, filtered: 7 } };
  expect(formatTable(seen(...working, filtered), plain)).toContain('30 handled, 1 parked, 7 filtered, 4 retries');
});

it('names the application when there are several', () => {
  const other = { ...common, sessionId: 'billing/shardId-000000000000#1', kind: 'sessionReady' } as const;
  const [head, first, second] = formatTable(seen(...working, other), plain).split('\n');
  expect(head).toMatch(/^application {2}shard/);
  expect(first).toMatch(/^mailer +shardId-…0000 +running/);
  expect(second).toMatch(/^billing +shardId-…0000 +ready/);
});

it('says what a held shard waits for', () => {
  const held = {
    ...common,
    kind: 'held',
    recordId: 'r:1:0',
    why: 'attempts are exhausted',
    error: { name: 'E', code: undefined, message: 'down\nstack' },
  } as const;
  expect(formatTable(seen(...working, held), plain)).toContain('\nheld: r:1:0: attempts are exhausted (down)\n');
});

it('paints states only, and keeps the columns', () => {
  const table = formatTable(seen(...working), {
    ...plain,
    paint: (state, text) => `\u001B[3${state === 'running' ? 2 : 1}m${text}\u001B[39m`,
  });
  expect(table).toContain('\u001B[32mrunning\u001B[39m');
  expect(table.replaceAll(/\u001B\[\d+m/g, '')).toBe(formatTable(seen(...working), plain));
});

it('cuts lines that a narrow terminal would break', () => {
  const lines = formatTable(seen(...working), { ...plain, columns: 40 }).split('\n');
  expect(lines.every((line) => line.length < 40)).toBe(true);
  expect(lines[1]).toMatch(/…$/);
});
