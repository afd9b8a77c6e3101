import { describe, expect, it } from 'vitest';
import { DaemonShards } from './daemon-shards.js';
import type { ToldSession } from './told-sessions.js';

const place = (shardId: string) => ({ shardId, hashKey: '0', lastHashKey: '1' });
const at = (sequenceNumber: string) => ({ id: `s:${sequenceNumber}:0`, sequenceNumber, subSequenceNumber: 0 });

function told(session: Partial<ToldSession> = {}): ToldSession {
  const quiet = { actions: ['initialize'] as const, delivered: [], stored: [], isAnswered: true, hasEnded: false };
  return { name: 'first', shardId: 's', ...quiet, ...session };
}

describe('a shard under the daemon', () => {
  it('is quiet when its session has answered, and has what was put', () => {
    const shards = new DaemonShards(['A'], [place('s')]);
    expect(shards.awaited([])).toBe('a session on shard A');
    expect(shards.awaited([told({ isAnswered: false })])).toBe('the answer to initialize on shard A');
    expect(shards.awaited([told()])).toBeUndefined();

    // As the producer got them; the daemon delivers in order.
    shards.served('A').placed.push(at('10'), at('9'));
    expect(shards.awaited([told({ delivered: ['s:9:0'] })])).toBe('the delivery of s:10:0 on shard A');
    expect(shards.awaited([told({ delivered: ['s:9:0', 's:10:0'] })])).toBeUndefined();
  });

  it('is served anew after a crash, and gets again what no checkpoint covers', () => {
    const shards = new DaemonShards(['A'], [place('s')]);
    shards.served(undefined).placed.push(at('9'));
    const before = told({ delivered: ['s:9:0'] });
    shards.forget([before]);

    expect(shards.awaited([before])).toBe('a session on shard A');
    expect(shards.awaited([before, told({ name: 'second' })])).toBe('the delivery of s:9:0 on shard A');
    expect(shards.awaited([before, told({ name: 'second', delivered: ['s:9:0'] })])).toBeUndefined();
    const covered = { ...before, stored: [at('9')] };
    expect(shards.awaited([covered, told({ name: 'second' })])).toBeUndefined();
  });

  it('says goodbye, and nothing can happen to it afterwards', () => {
    const shards = new DaemonShards(['A', 'B'], [place('s'), place('t')]);
    shards.served('A').leaving = 'leaseLost';
    const other = told({ shardId: 't' });

    expect(shards.awaited([told(), other])).toBe('the answer to leaseLost on shard A');
    const asked = told({ actions: ['initialize', 'leaseLost'], isAnswered: false });
    expect(shards.awaited([asked, other])).toBe('the answer to leaseLost on shard A');
    expect(shards.awaited([{ ...asked, isAnswered: true }, other])).toBeUndefined();
    expect(() => shards.served('A')).toThrow('The worker does not have shard A any more.');
    expect(() => shards.served('C')).toThrow('The scenario has no shard C; it has A, B.');
  });

  it('is told with its children, in the order in which they came', () => {
    const shards = new DaemonShards(['A'], [place('s')]);
    shards.add('A.1', place('t'));

    const sessions = [
      told({ delivered: ['s:9:0'], stored: ['SHARD_END'] }),
      told({ name: 'next', delivered: ['s:9:0'] }),
    ];
    expect(shards.seen(sessions)).toEqual([
      { name: 'A', shardId: 's', delivered: ['s:9:0', 's:9:0'], stored: ['SHARD_END'] },
      { name: 'A.1', shardId: 't', delivered: [], stored: [] },
    ]);
  });
});
