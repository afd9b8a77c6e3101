import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../test/support/manual-clock.js';
import { FakeCoordination, leaseOf } from './coordination.fixture.js';
import type { LeaseFacts } from './coordination.js';
import { findIdentity, judgeIdentity } from './worker-identity.js';

describe('what the rows say about an id', () => {
  it('nothing, when it owns none', () => {
    expect(judgeIdentity('web-0', [leaseOf('a', { owner: 'web-1' }), leaseOf('b')])).toEqual({ kind: 'clean' });
  });

  it.each([
    ['to it', { owner: 'web-0', checkpointOwner: 'web-1' }],
    ['by it', { owner: 'web-1', checkpointOwner: 'web-0' }],
  ])('that a lease is being handed over %s, whatever else it owns', (_way, owners) => {
    const rows = [leaseOf('a', { owner: 'web-0' }), leaseOf('b', owners)];
    expect(judgeIdentity('web-0', rows)).toEqual({ kind: 'pendingHandOff', shardIds: ['b'] });
  });

  it('that it owns leases, with their counters', () => {
    const rows = [leaseOf('a', { owner: 'web-0', counter: 4 }), leaseOf('b', { owner: 'web-1', checkpointOwner: 'x' })];
    expect(judgeIdentity('web-0', rows)).toEqual({ kind: 'owns', shardIds: ['a'], counters: new Map([['a', 4]]) });
  });
});

describe('the search for an id', () => {
  interface Options {
    readonly candidates?: Iterable<string>;
    /** By worker id, in milliseconds from now. */
    readonly seen?: Readonly<Record<string, number>>;
    readonly chosen?: boolean;
  }

  function search(rows: readonly LeaseFacts[], options: Options = {}) {
    const { candidates = ['web-0', 'web-1'], seen = {}, chosen = false } = options;
    const clock = new ManualClock();
    const coordination = new FakeCoordination(rows);
    for (const [workerId, fromNowMs] of Object.entries(seen)) coordination.seen.set(workerId, clock.now() + fromNowMs);
    const stop = new AbortController();
    const { signal } = stop;
    const found = findIdentity({ candidates, coordination, clock, renewEveryMs: 3_000, signal, chosen });
    found.catch(() => undefined);
    return { clock, coordination, stop, found };
  }

  it('takes the first id that owns nothing, without waiting, and pulls no further', async () => {
    const pulled: string[] = [];
    function* slots() {
      for (const id of ['web-0', 'web-1']) {
        pulled.push(id);
        yield id;
      }
    }
    expect(await search([], { candidates: slots() }).found).toEqual({ workerId: 'web-0', inherited: [], rejected: [] });
    expect(pulled).toEqual(['web-0']);
  });

  it('takes the leases of a dead predecessor when none was renewed for longer than a renewal takes', async () => {
    const { clock, coordination, found } = search([leaseOf('a', { owner: 'web-0', counter: 4 })]);
    await clock.advance(3_700);
    expect(coordination.calls).toEqual(['leases']);
    // A leader still assigns leases to a worker that has just died.
    coordination.put(leaseOf('b', { owner: 'web-0', counter: 1 }));
    await clock.advance(50);
    expect(await found).toEqual({ workerId: 'web-0', inherited: ['a', 'b'], rejected: [] });
  });

  it('leaves the id of a living twin alone, and says so', async () => {
    const { clock, coordination, found } = search([leaseOf('a', { owner: 'web-0', counter: 4 })]);
    await clock.settle();
    coordination.put(leaseOf('a', { owner: 'web-0', counter: 5 }));
    await clock.advance(3_750);
    expect(await found).toEqual({
      workerId: 'web-1',
      inherited: [],
      rejected: [
        { workerId: 'web-0', why: 'twin', shardIds: ['a'], message: expect.stringContaining('the same host name') },
      ],
    });
  });

  it('leaves an id alone that was alive within the last minute and owns nothing: a twin on standby looks so', async () => {
    const { clock, found } = search([], { seen: { 'web-0': -59_999 } });
    expect(await found).toMatchObject({ workerId: 'web-1', rejected: [{ workerId: 'web-0', why: 'twin' }] });
    expect(clock.pendingTimers).toBe(0);
  });

  it('takes an id that was alive before that', async () => {
    const { found } = search([], { seen: { 'web-0': -60_000 } });
    expect(await found).toMatchObject({ workerId: 'web-0', rejected: [] });
  });

  it('takes the id that the user has chosen, though it was alive within the last minute', async () => {
    const { found } = search([], { seen: { 'web-0': -1 }, chosen: true });
    expect(await found).toMatchObject({ workerId: 'web-0', rejected: [] });
  });

  it('leaves an id alone that is part of a hand-over, at once', async () => {
    const { found } = search([leaseOf('a', { owner: 'web-1x', checkpointOwner: 'web-0' })]);
    const { workerId, rejected } = await found;
    expect({ workerId, rejected }).toMatchObject({ workerId: 'web-1', rejected: [{ why: 'pendingHandOff' }] });
    expect(rejected[0]?.message).toContain('#1718');
  });

  it('sees a hand-over that begins while it waits', async () => {
    const { clock, coordination, found } = search([leaseOf('a', { owner: 'web-0' })]);
    await clock.settle();
    coordination.put(leaseOf('a', { owner: 'other', checkpointOwner: 'web-0' }));
    await clock.advance(3_750);
    expect(await found).toMatchObject({ workerId: 'web-1', rejected: [{ why: 'pendingHandOff' }] });
  });

  it('fails when no id is left, telling why for each', async () => {
    const { found } = search([leaseOf('a', { owner: 'web-0', checkpointOwner: 'web-1' })]);
    await expect(found).rejects.toMatchObject({
      code: 'COORDINATION_FAILED',
      message: expect.stringMatching(/"web-0" is not used: .*"web-1" is not used: /),
    });
  });

  it('ends when it is told to', async () => {
    const { clock, stop, found } = search([leaseOf('a', { owner: 'web-0' })]);
    await clock.settle();
    stop.abort(new Error('stopping'));
    await expect(found).rejects.toThrow('stopping');
    expect(clock.pendingTimers).toBe(0);
  });
});
