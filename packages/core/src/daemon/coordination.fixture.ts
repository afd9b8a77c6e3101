/** The tables that workers coordinate in, in memory. */
import type { Coordination, LeaseFacts } from './coordination.js';
import type { LeaderRow } from './provision-ports.js';

export function leaseOf(shardId: string, facts: Partial<LeaseFacts> = {}): LeaseFacts {
  return {
    shardId,
    owner: undefined,
    checkpointOwner: undefined,
    counter: 0,
    checkpoint: 'TRIM_HORIZON',
    subSequenceNumber: 0,
    ...facts,
  };
}

export class FakeCoordination implements Coordination {
  readonly rows = new Map<string, LeaseFacts>();
  readonly calls: string[] = [];
  /** By worker id, in milliseconds since the epoch. */
  readonly seen = new Map<string, number>();
  leaderRow: LeaderRow | undefined;
  /** Runs before each call answers; throw in it to fail the call. */
  beforeCall: (call: string) => void | Promise<void> = () => undefined;

  constructor(rows: readonly LeaseFacts[] = []) {
    for (const row of rows) this.put(row);
  }

  put(row: LeaseFacts): void {
    this.rows.set(row.shardId, row);
  }

  async leases(): Promise<readonly LeaseFacts[]> {
    await this.note('leases');
    return [...this.rows.values()];
  }

  async lease(shardId: string): Promise<LeaseFacts | undefined> {
    await this.note(`lease ${shardId}`);
    return this.rows.get(shardId);
  }

  async leader(): Promise<LeaderRow | undefined> {
    await this.note('leader');
    return this.leaderRow;
  }

  async deleteLeader({ owner, version }: { readonly owner: string; readonly version: string }) {
    await this.note('deleteLeader');
    if (this.leaderRow === undefined) return 'absent';
    if (this.leaderRow.owner !== owner || this.leaderRow.version !== version) return 'changed';
    this.leaderRow = undefined;
    return 'deleted';
  }

  async lastSeenMs(workerId: string): Promise<number | undefined> {
    await this.note(`lastSeenMs ${workerId}`);
    return this.seen.get(workerId);
  }

  async forgetWorker(workerId: string): Promise<void> {
    await this.note(`forgetWorker ${workerId}`);
  }

  close(): void {
    this.calls.push('close');
  }

  private async note(call: string): Promise<void> {
    this.calls.push(call);
    await this.beforeCall(call);
  }
}
