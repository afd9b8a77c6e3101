import { hostname } from 'node:os';
import { afterEach, describe, expect, it } from 'vitest';
import { freeSlots, lockName, type SlotLock } from './slot-lock.js';

const held: SlotLock[] = [];
afterEach(() => {
  for (const lock of held.splice(0)) lock.release();
});

async function first(scope: string): Promise<SlotLock | undefined> {
  for await (const lock of freeSlots(scope)) {
    held.push(lock);
    return lock;
  }
  return undefined;
}

/** Another application in each test, so that tests that run beside each other do not meet. */
let scopes = 0;
const scope = (): string => `${process.pid}-${(scopes += 1)}`;

describe.runIf(process.platform === 'linux')('slots', () => {
  it('are named after the host, the lowest free one first', async () => {
    const application = scope();

    expect((await first(application))?.workerId).toBe(`${hostname()}-0`);
    expect((await first(application))?.workerId).toBe(`${hostname()}-1`);
  });

  it('of other applications do not meet', async () => {
    await first(scope());

    expect((await first(scope()))?.workerId).toBe(`${hostname()}-0`);
  });

  it('are free again when they are released', async () => {
    const application = scope();
    (await first(application))?.release();

    await expect.poll(async () => (await first(application))?.workerId).toBe(`${hostname()}-0`);
  });

  it('have a descriptor that a process can inherit to keep them', async () => {
    expect((await first(scope()))?.descriptor).toBeGreaterThan(2);
  });
});

describe.runIf(process.platform === 'linux')('a name of the user’s', () => {
  it('has one holder', async () => {
    const application = scope();
    const lock = await lockName('worker-a', application);
    if (lock !== undefined) held.push(lock);

    expect(lock?.workerId).toBe('worker-a');
    expect(await lockName('worker-a', application)).toBeUndefined();
  });
});
