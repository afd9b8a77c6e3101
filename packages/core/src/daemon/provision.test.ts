import type { ShardFilter } from '@aws-sdk/client-kinesis';
import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../test/support/manual-clock.js';
import { resolveScenario, type Scenario } from '../config/resolve.fixture.js';
import { isMillraceError } from '../errors.js';
import { FakeTables } from './provision.fixture.js';
import type { LeaderRow } from './provision-ports.js';
import type { ListedShard } from './provision-leases.js';
import { createTableInput, planTables } from './provision-tables.js';
import { provision, type ProvisionRequest } from './provision.js';

const HALF = 2n ** 127n;
const LOWER: ListedShard = {
  shardId: 'shardId-000000000000',
  parentShardIds: [],
  closed: false,
  startingHashKey: '0',
  endingHashKey: String(HALF - 1n),
};
const UPPER: ListedShard = {
  ...LOWER,
  shardId: 'shardId-000000000001',
  startingHashKey: String(HALF),
  endingHashKey: String(2n * HALF - 1n),
};
const NAMES = ['order-mailer', 'order-mailer-CoordinatorState', 'order-mailer-WorkerMetricStats'];

class Application {
  readonly clock = new ManualClock();
  readonly said: string[] = [];
  /** What ListShards answers, one time after the other; the last answer stays. */
  listings: readonly (readonly ListedShard[])[] = [[LOWER, UPPER]];
  readonly filters: ShardFilter[] = [];

  constructor(
    readonly tables = new FakeTables(),
    readonly scenario: Scenario = {},
  ) {}

  /** Lets so much time pass and says how it ended: the outcomes, an error's code, or nothing yet. */
  async provision(request: Partial<ProvisionRequest> = {}, withinMs = 20_000) {
    const { tables, clock } = this;
    const listShards = async (filter: ShardFilter) => {
      this.filters.push(filter);
      return this.listings[this.filters.length - 1] ?? this.listings.at(-1) ?? [];
    };
    const ports = { tables, listShards, clock, say: (line: string) => void this.said.push(line) };
    let ended: unknown;
    void provision(resolveScenario(this.scenario), { leases: false, dryRun: false, ...request }, ports).then(
      (done) => (ended = { tables: done.tables.map(({ outcome }) => outcome), leases: done.leases }),
      (error: unknown) => (ended = isMillraceError(error) ? `${error.code}: ${error.message}` : error),
    );
    await clock.advance(withinMs);
    return ended;
  }
}

const ALL_CREATED = ['created', 'created', 'created'];
const ALL_FOUND = ['exists', 'exists', 'exists'];
const WRITTEN = { outcome: 'written', shardIds: ['shardId-000000000000', 'shardId-000000000001'] };

describe('the tables', () => {
  it('are all created before the first is waited for, and then are active', async () => {
    const application = new Application();
    expect(await application.provision()).toEqual({ tables: ALL_CREATED, leases: undefined });
    expect(application.tables.calls).toEqual(NAMES.map((name) => `create ${name}`));
    expect([...application.tables.stored.values()].map(({ looks }) => looks)).toEqual([0, 0, 0]);
  });

  it('are left alone the second time', async () => {
    const application = new Application();
    await application.provision();
    application.tables.calls.length = 0;
    expect(await application.provision()).toEqual({ tables: ALL_FOUND, leases: undefined });
    expect(application.tables.calls).toEqual([]);
  });

  it('that are being made by somebody else are waited for', async () => {
    const application = new Application(new FakeTables(8));
    application.tables.beforeCreate = (input) => {
      application.tables.beforeCreate = () => undefined;
      void application.tables.create(input);
    };
    expect(await application.provision({}, 2_000)).toBeUndefined();
    expect(await application.provision()).toMatchObject({ tables: ALL_FOUND });
  });

  it('of KCL 2 get the index that is missing', async () => {
    const application = new Application();
    const [leases] = planTables(resolveScenario());
    const { GlobalSecondaryIndexes: _, ...older } = createTableInput(leases);
    const { TableName = '', KeySchema, AttributeDefinitions } = older;
    application.tables.add({ TableName, KeySchema, AttributeDefinitions, TableStatus: 'ACTIVE' });
    expect(await application.provision()).toMatchObject({ tables: ['indexAdded', 'created', 'created'] });
    expect(application.tables.calls).toContain('update order-mailer');
    expect((await application.tables.describe('order-mailer'))?.GlobalSecondaryIndexes?.[0]?.IndexStatus).toBe(
      'ACTIVE',
    );
  });

  it('that are no tables of KCL are named together, and none is made', async () => {
    const application = new Application();
    const KeySchema = [{ AttributeName: 'id', KeyType: 'HASH' as const }];
    for (const TableName of NAMES.slice(1)) application.tables.add({ TableName, KeySchema, TableStatus: 'ACTIVE' });
    const message = await application.provision();
    expect(message).toMatch(
      /^TABLE_WRONG: Table "order-mailer-CoordinatorState" is not what KCL needs: its key is id \(HASH\), not key \(HASH\)\./,
    );
    expect(message).toContain('"order-mailer-WorkerMetricStats"');
    expect(application.tables.calls).toEqual([]);
  });

  it('that are being deleted cannot be used', async () => {
    const application = new Application();
    await application.provision();
    for (const table of application.tables.stored.values())
      table.description = { ...table.description, TableStatus: 'DELETING' };
    expect(await application.provision()).toMatch(/^TABLE_WRONG: .*it is DELETING/);
  });

  it('get their recovery once they are made, however often DynamoDB puts it off', async () => {
    const declared = { leaseTablePitrEnabled: true, workerMetricsPointInTimeRecoveryEnabled: true };
    const application = new Application(new FakeTables(), { declared });
    application.tables.recoveryRefusals = 3;
    expect(await application.provision()).toMatchObject({ tables: ALL_CREATED });
    expect(application.tables.calls.filter((call) => call === `recovery ${NAMES[0]}`).length).toBeGreaterThan(1);
    expect(application.tables.calls).toContain(`recovery ${NAMES[2]}`);
    expect(application.tables.calls).not.toContain(`recovery ${NAMES[1]}`);
  });

  it('are waited for ten minutes, and somebody hears of it', async () => {
    const application = new Application(new FakeTables(1_000_000));
    expect(await application.provision({}, 599_000)).toBeUndefined();
    await application.clock.advance(2_000);
    expect(application.said[0]).toContain('Waiting for "order-mailer", "order-mailer-CoordinatorState"');
    expect(application.said.length).toBeGreaterThan(50);
    expect(await application.provision({}, 601_000)).toMatch(/^PROVISION_FAILED: .*within 10 minutes/);
  });
});

describe('the first leases', () => {
  it('are written into the new table, listed from the initial position', async () => {
    const application = new Application();
    expect(await application.provision({ leases: true })).toEqual({ tables: ALL_CREATED, leases: WRITTEN });
    expect(application.filters).toEqual([{ Type: 'AT_TRIM_HORIZON' }]);
    expect(application.tables.rows.map((row) => row['leaseKey']?.S)).toEqual(WRITTEN.shardIds);
  });

  it('are not written beside others', async () => {
    const application = new Application();
    application.tables.rows = [{ leaseKey: { S: 'shardId-000000000007' } }];
    expect(await application.provision({ leases: true })).toMatchObject({ leases: { outcome: 'kept', shardIds: [] } });
    expect(application.tables.rows).toHaveLength(1);
  });

  it('are refused when a worker writes its own at the same moment', async () => {
    const application = new Application();
    application.tables.beforeWrite = () => void application.tables.rows.push({ leaseKey: { S: 'a' } });
    expect(await application.provision({ leases: true })).toMatch(/^LEASES_REFUSED: .*none was written here/);
  });

  it('wait for a stream that is listed while it changes', async () => {
    const application = new Application();
    application.listings = [[LOWER], [LOWER, UPPER]];
    expect(await application.provision({ leases: true })).toMatchObject({ leases: WRITTEN });
  });

  it('are refused, before any table is made, when the list stays incomplete', async () => {
    const application = new Application();
    application.listings = [[LOWER]];
    expect(await application.provision({ leases: true })).toMatch(
      /^LEASES_REFUSED: .*a gap between shardId-000000000000/,
    );
    expect(application.filters).toHaveLength(3);
    expect(application.tables.calls).toEqual([]);
  });

  it('are refused, before any table is made, for more shards than a transaction takes', async () => {
    const application = new Application();
    const step = 2n ** 128n / 128n;
    const many = Array.from({ length: 128 }, (_, n) => ({
      ...LOWER,
      shardId: `shardId-${n}`,
      startingHashKey: String(step * BigInt(n)),
      endingHashKey: String(step * BigInt(n + 1) - 1n),
    }));
    application.listings = [many];
    expect(await application.provision({ leases: true })).toMatch(/^LEASES_REFUSED: .*128 shards/);
    expect(application.tables.calls).toEqual([]);
  });
});

describe('a leader', () => {
  const row = (version: string, released = false): LeaderRow => ({ owner: 'web-1', version, released });

  it('that renews its row is a running worker: no lease is written', async () => {
    const application = new Application();
    application.tables.leader = [...Array.from({ length: 25 }, () => row('a')), row('b')];
    expect(await application.provision({ leases: true }, 60_000)).toMatch(/^LEASES_REFUSED: Worker "web-1" runs/);
    expect(application.tables.rows).toEqual([]);
    expect(application.said).toEqual([expect.stringContaining('watching its row for 35 s')]);
  });

  it('whose row stands still for 35 seconds is gone', async () => {
    const application = new Application();
    application.tables.leader = [row('a')];
    expect(await application.provision({ leases: true }, 34_000)).toBeUndefined();
    await application.clock.advance(4_000);
    expect(application.tables.rows).toHaveLength(2);
  });

  it.each<[string, (LeaderRow | undefined)[]]>([
    ['before', [row('a', true)]],
    ['while it is watched', [row('a'), row('a', true)]],
    ['with its row', [row('a'), undefined]],
  ])('that gave up its lead %s does not stand in the way', async (_, rows) => {
    const application = new Application();
    application.tables.leader = rows;
    expect(await application.provision({ leases: true })).toMatchObject({ leases: WRITTEN });
  });
});

describe('a dry run', () => {
  it('says what would be done and does nothing', async () => {
    const application = new Application();
    const expected = { tables: ALL_CREATED, leases: WRITTEN };
    expect(await application.provision({ leases: true, dryRun: true })).toEqual(expected);
    expect(application.tables.calls).toEqual([]);
    expect(application.tables.rows).toEqual([]);
  });

  it('finds what is there', async () => {
    const application = new Application();
    await application.provision({ leases: true });
    const expected = { tables: ALL_FOUND, leases: { outcome: 'kept', shardIds: [] } };
    expect(await application.provision({ leases: true, dryRun: true })).toEqual(expected);
  });
});
