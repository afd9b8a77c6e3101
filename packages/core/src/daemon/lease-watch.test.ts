import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../test/support/manual-clock.js';
import { FakeCoordination, leaseOf } from './coordination.fixture.js';
import { judgeLease, LeaseWatch, type LeaseWatchOptions } from './lease-watch.js';

describe('what a row says about our lease', () => {
  it.each([
    ['is ours', 'ours', { owner: 'web-0' }],
    ['is ours while it is handed to us', 'ours', { owner: 'web-0', checkpointOwner: 'web-1' }],
    ['is handed over', 'handedOver', { owner: 'web-1', checkpointOwner: 'web-0' }],
    ['was taken', 'lost', { owner: 'web-1' }],
    ['is being handed from somebody else to somebody else', 'lost', { owner: 'web-2', checkpointOwner: 'web-1' }],
    ['was dropped, which counts it up', 'lost', { owner: undefined }],
  ] as const)('the lease %s', (_state, verdict, owners) => {
    expect(judgeLease(leaseOf('a', owners), 'web-0')).toBe(verdict);
  });

  it('that the lease is gone', () => {
    expect(judgeLease(undefined, 'web-0')).toBe('lost');
  });
});

describe('the watch', () => {
  function watchOf(given: Partial<LeaseWatchOptions> = {}) {
    const clock = new ManualClock();
    const coordination = new FakeCoordination([leaseOf('a', { owner: 'web-0' }), leaseOf('b', { owner: 'web-0' })]);
    const told: string[] = [];
    const logged: string[] = [];
    const log = (_fields: unknown, message: string): void => void logged.push(message);
    let opened = 0;
    const watch = new LeaseWatch({
      workerId: 'web-0',
      everyMs: 10_000,
      open: async () => {
        opened += 1;
        return coordination;
      },
      sameCredentials: true,
      onVerdict: (sessionId, verdict) => void told.push(`${sessionId} ${verdict}`),
      clock,
      logger: { debug: () => undefined, info: log, warn: log, error: log },
      ...given,
    });
    return { clock, coordination, told, logged, watch, opens: () => opened };
  }
  const held = (sessionId: string, shardId = 'a', openMs = 10_000) => ({ sessionId, shardId, openMs });
  const reads = ({ calls }: FakeCoordination) => calls.filter((call) => call.startsWith('lease '));

  it('opens nothing and sets no timer while actions are short', async () => {
    const { clock, watch, opens } = watchOf();
    watch.update([held('s1', 'a', 9_999), held('s2', 'b', 0)]);
    await clock.settle();
    expect({ opens: opens(), timers: clock.pendingTimers }).toEqual({ opens: 0, timers: 0 });
  });

  it('reads the lease of a long action at once and then at every interval, and tells each change once', async () => {
    const { clock, coordination, told, watch } = watchOf();
    watch.update([held('s1'), held('s2', 'b', 0)]);
    await clock.settle();
    expect({ reads: reads(coordination), told }).toEqual({ reads: ['lease a'], told: [] });
    coordination.put(leaseOf('a', { owner: 'web-1', checkpointOwner: 'web-0' }));
    await clock.advance(20_000);
    expect(told).toEqual(['s1 handedOver']);
    coordination.put(leaseOf('a', { owner: 'web-1' }));
    await clock.advance(10_000);
    expect(told).toEqual(['s1 handedOver', 's1 lost']);
  });

  it('never takes a loss back, and reads no more for it', async () => {
    const { clock, coordination, told, watch } = watchOf();
    coordination.put(leaseOf('a', { owner: 'web-1' }));
    watch.update([held('s1')]);
    await clock.advance(10_000);
    coordination.put(leaseOf('a', { owner: 'web-0' }));
    watch.update([held('s1', 'a', 0)]);
    watch.update([held('s1')]);
    await clock.advance(30_000);
    expect({ told, reads: reads(coordination).length }).toEqual({ told: ['s1 lost'], reads: 1 });
  });

  it('reads once for two sessions of a shard, and tells both', async () => {
    const { clock, coordination, told, watch } = watchOf();
    coordination.put(leaseOf('a', { owner: 'web-1' }));
    watch.update([held('s1'), held('s2')]);
    await clock.settle();
    expect({ told, reads: reads(coordination) }).toEqual({ told: ['s1 lost', 's2 lost'], reads: ['lease a'] });
  });

  it('does not judge a session by a read that began before it', async () => {
    const { clock, coordination, told, watch } = watchOf();
    const answers: (() => void)[] = [];
    coordination.beforeCall = () => new Promise<void>((resolve) => void answers.push(resolve));
    coordination.put(leaseOf('a', { owner: 'web-1' }));
    watch.update([held('s1')]);
    await clock.settle();
    watch.update([held('s1'), held('s2')]);
    await clock.advance(10_000);
    expect(reads(coordination)).toHaveLength(1);
    answers[0]?.();
    await clock.settle();
    expect(told).toEqual(['s1 lost']);
    coordination.put(leaseOf('a', { owner: 'web-0' }));
    await clock.advance(10_000);
    answers[1]?.();
    await clock.settle();
    expect({ told, reads: reads(coordination).length }).toEqual({ told: ['s1 lost'], reads: 2 });
  });

  it('lets go of the client a while after the last long action, and opens it again when there is another', async () => {
    const { clock, coordination, watch, opens } = watchOf();
    watch.update([held('s1')]);
    await clock.settle();
    watch.update([held('s1', 'a', 0)]);
    await clock.advance(59_000);
    expect(coordination.calls).not.toContain('close');
    await clock.advance(1_000);
    expect({ calls: coordination.calls, timers: clock.pendingTimers }).toEqual({
      calls: ['lease a', 'close'],
      timers: 0,
    });
    watch.update([held('s1')]);
    await clock.settle();
    expect(opens()).toBe(2);
  });

  it('outlives failures: it says the first of them and tries again', async () => {
    const { clock, coordination, told, logged, watch } = watchOf();
    coordination.put(leaseOf('a', { owner: 'web-1' }));
    coordination.beforeCall = () => {
      throw new Error('no network');
    };
    watch.update([held('s1')]);
    await clock.advance(20_000);
    expect({ told, logged }).toEqual({ told: [], logged: [expect.stringContaining('no network')] });
    coordination.beforeCall = () => undefined;
    await clock.advance(10_000);
    expect(told).toEqual(['s1 lost']);
  });

  it('opens again what could not be opened', async () => {
    let tries = 0;
    const coordination = new FakeCoordination([leaseOf('a', { owner: 'web-1' })]);
    const open = async () => {
      tries += 1;
      if (tries === 1) throw new Error('no region');
      return coordination;
    };
    const { clock, told, watch } = watchOf({ open });
    watch.update([held('s1')]);
    await clock.advance(10_000);
    expect({ tries, told }).toEqual({ tries: 2, told: ['s1 lost'] });
  });

  it('with other credentials than the daemon, believes in a loss only after it saw a lease of ours', async () => {
    const { clock, coordination, told, watch } = watchOf({ sameCredentials: false });
    coordination.rows.clear();
    watch.update([held('s1')]);
    await clock.advance(20_000);
    expect(told).toEqual([]);
    coordination.put(leaseOf('a', { owner: 'web-0' }));
    await clock.advance(10_000);
    coordination.rows.clear();
    await clock.advance(10_000);
    expect(told).toEqual(['s1 lost']);
  });

  it('leaves nothing behind when it is closed, and tells nothing any more', async () => {
    const { clock, coordination, told, watch } = watchOf();
    const answers: (() => void)[] = [];
    coordination.beforeCall = () => new Promise<void>((resolve) => void answers.push(resolve));
    coordination.rows.clear();
    watch.update([held('s1')]);
    await clock.settle();
    watch.close();
    answers[0]?.();
    await clock.settle();
    watch.update([held('s2')]);
    expect({ told, timers: clock.pendingTimers, calls: coordination.calls }).toEqual({
      told: [],
      timers: 0,
      calls: ['lease a', 'close'],
    });
  });
});
