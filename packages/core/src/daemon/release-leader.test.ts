import { expect, it } from 'vitest';
import { ManualClock } from '../../test/support/manual-clock.js';
import { FakeCoordination } from './coordination.fixture.js';
import type { LeaderRow } from './provision-ports.js';
import { releaseLeader } from './release-leader.js';

const ours: LeaderRow = { owner: 'web-0', version: 'a', released: false };

function release(row: LeaderRow | undefined, twinsRuledOut = false) {
  const clock = new ManualClock();
  const coordination = new FakeCoordination();
  coordination.leaderRow = row;
  const stop = new AbortController();
  const { signal } = stop;
  const outcome = releaseLeader({ coordination, workerId: 'web-0', twinsRuledOut, clock, signal });
  return { clock, coordination, stop, outcome };
}

it.each([
  ['nobody leads', undefined, 'free'],
  ['the lead was given back', { ...ours, released: true }, 'free'],
  ['another leads', { ...ours, owner: 'web-1' }, 'notOurs'],
])('does nothing when %s', async (_state, row, outcome) => {
  const { coordination, outcome: actual } = release(row);
  expect(await actual).toBe(outcome);
  expect(coordination.calls).toEqual(['leader']);
});

it('deletes the row of our dead daemon at once where no twin can be', async () => {
  const { coordination, outcome } = release(ours, true);
  expect(await outcome).toBe('deleted');
  expect(coordination.leaderRow).toBeUndefined();
});

it('deletes it after 35 s without a change where a twin could be', async () => {
  const { clock, coordination, outcome } = release(ours);
  await clock.advance(34_000);
  expect(coordination.leaderRow).toBeDefined();
  await clock.advance(1_000);
  expect(await outcome).toBe('deleted');
});

it('leaves a row alone that is renewed', async () => {
  const { clock, coordination, outcome } = release(ours);
  await clock.advance(20_000);
  coordination.leaderRow = { ...ours, version: 'b' };
  await clock.advance(1_000);
  expect(await outcome).toBe('alive');
  expect(coordination.leaderRow).toBeDefined();
});

it('leaves a row alone that another takes between reading and deleting', async () => {
  const { coordination, outcome } = release(ours, true);
  coordination.beforeCall = (call) => {
    if (call === 'deleteLeader') coordination.leaderRow = { ...ours, owner: 'web-1' };
  };
  expect(await outcome).toBe('notOurs');
});

it('ends when it is told to', async () => {
  const { clock, stop, outcome } = release(ours);
  await clock.advance(5_000);
  stop.abort();
  expect(await outcome).toBe('aborted');
  expect(clock.pendingTimers).toBe(0);
});
