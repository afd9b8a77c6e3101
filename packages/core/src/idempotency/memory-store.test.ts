import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../test/support/manual-clock.js';
import { LogLines } from '../runtime/session.fixture.js';
import type { IdempotencyClaim, IdempotencyStore } from '../ports.js';
import { memoryStore, type MemoryStoreOptions } from './memory-store.js';

const open = (options?: MemoryStoreOptions): Promise<IdempotencyStore> =>
  memoryStore(options).open({
    applicationName: 'mailer',
    stream: 'orders',
    region: undefined,
    ports: { clock: new ManualClock(), random: () => 0, logger: new LogLines() },
  });

const claim = (more: Partial<IdempotencyClaim> = {}): IdempotencyClaim => ({
  key: 'a',
  owner: 'one',
  nowMs: 0,
  lockedUntilMs: 100,
  expiresAtMs: 1_000,
  ...more,
});

describe('memoryStore', () => {
  it('gives a key to one owner until its lock expires', async () => {
    const store = await open();
    expect(await store.acquire(claim())).toEqual({ kind: 'acquired' });
    expect(await store.acquire(claim())).toEqual({ kind: 'acquired' });
    expect(await store.acquire(claim({ owner: 'two' }))).toEqual({ kind: 'inProgress', lockedUntilMs: 100 });
    expect(await store.acquire(claim({ owner: 'two', nowMs: 100, lockedUntilMs: 200 }))).toEqual({ kind: 'acquired' });
    expect(await store.complete(claim({ nowMs: 150 }))).toBe(false);
    await store.release(claim({ nowMs: 150 }));
    expect(await store.complete(claim({ owner: 'two', nowMs: 150 }))).toBe(true);
  });

  it('remembers a completed key until it expires', async () => {
    const store = await open();
    await store.acquire(claim());
    await store.complete(claim());
    expect(await store.acquire(claim({ owner: 'two', nowMs: 999 }))).toEqual({ kind: 'completed' });
    expect(await store.acquire(claim({ owner: 'two', nowMs: 1_000 }))).toEqual({ kind: 'acquired' });
  });

  it('forgets what its owner gives back', async () => {
    const store = await open();
    await store.acquire(claim());
    await store.release(claim({ owner: 'two' }));
    expect(await store.acquire(claim({ owner: 'two' }))).toMatchObject({ kind: 'inProgress' });
    await store.release(claim());
    expect(await store.acquire(claim({ owner: 'two' }))).toEqual({ kind: 'acquired' });
  });

  it('forgets the key that was used longest ago when it is full', async () => {
    const store = await open({ maxKeys: 2 });
    for (const key of ['a', 'b']) {
      await store.acquire(claim({ key }));
      await store.complete(claim({ key }));
    }
    await store.acquire(claim());
    await store.acquire(claim({ key: 'c' }));
    expect(await store.acquire(claim({ owner: 'two' }))).toEqual({ kind: 'completed' });
    expect(await store.acquire(claim({ key: 'b', owner: 'two' }))).toEqual({ kind: 'acquired' });
  });

  it.each([0, 1.5, Number.NaN])('refuses to hold %s keys', (maxKeys) => {
    expect(() => memoryStore({ maxKeys })).toThrow(expect.objectContaining({ code: 'INPUT_INVALID' }));
  });
});
