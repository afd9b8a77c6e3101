import { describe, expect, it } from 'vitest';
import type { ShardStatus } from '../runtime/shard-status.js';
import { consumerHealth, shardStatus, workerHealth } from './health.fixture.js';
import { SessionTotals } from './session-totals.js';

const counted = (sessionId: string, handled: number, retries = 0): ShardStatus =>
  shardStatus({ sessionId, settled: { handled, parked: 0, skipped: 0, filtered: 0, deduplicated: 0 }, retries });
const worker = (...shards: ShardStatus[]) => workerHealth({ consumers: [consumerHealth({ shards })] });

describe('the totals of an application', () => {
  it('add its sessions up', () => {
    const [total] = new SessionTotals().look(worker(counted('a', 3, 1), counted('b', 4)));

    expect(total).toMatchObject({ applicationName: 'mailer', stream: 'orders', settled: { handled: 7 }, retries: 1 });
  });

  it('never go backwards when sessions end and others of the same shard begin', () => {
    const totals = new SessionTotals();
    const looks = [
      worker(counted('a', 3)),
      worker(counted('a', 5)),
      worker(),
      worker(counted('b', 1)),
      worker(counted('b', 2), counted('c', 1)),
      worker(counted('c', 1)),
    ].map((health) => totals.look(health)[0]?.settled.handled);

    expect(looks).toEqual([3, 5, 5, 6, 8, 8]);
  });

  it('take a session that counts from zero again for another one', () => {
    const totals = new SessionTotals();
    totals.look(worker(counted('a', 5, 2)));

    expect(totals.look(worker(counted('a', 1)))[0]).toMatchObject({ settled: { handled: 6 }, retries: 2 });
  });

  it('are the same for everybody who looks', () => {
    const totals = new SessionTotals();
    const health = worker(counted('a', 5));

    expect(totals.look(health)).toEqual(totals.look(health));
  });

  it('keep what was counted, not the numbers of a status that goes on counting', () => {
    const totals = new SessionTotals();
    const settled = { handled: 1, parked: 0, skipped: 0, filtered: 0, deduplicated: 0 };
    totals.look(worker(shardStatus({ settled })));
    settled.handled = 2;

    expect(totals.look(worker(shardStatus({ settled })))[0]?.settled.handled).toBe(2);
  });
});
