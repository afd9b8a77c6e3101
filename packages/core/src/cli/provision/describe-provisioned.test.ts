import { describe, expect, it } from 'vitest';
import { resolveScenario, type Scenario } from '../../config/resolve.fixture.js';
import type { ProvisionedLeases } from '../../daemon/provision.js';
import { planTables, type ProvisionedTable } from '../../daemon/provision-tables.js';
import { describeProvisioned, summarizeProvisioned } from './describe-provisioned.js';

interface Facts extends Scenario {
  readonly outcomes: readonly ProvisionedTable['outcome'][];
  readonly notes?: readonly string[];
  readonly leases?: ProvisionedLeases;
  readonly dryRun?: boolean;
}

function factsOf({ outcomes, notes = [], leases, dryRun = false, ...scenario }: Facts) {
  const consumer = resolveScenario(scenario);
  const plans = planTables(consumer);
  const tables = outcomes.flatMap((outcome, n) => {
    const plan = plans[n];
    return plan === undefined ? [] : [{ plan, outcome, notes }];
  });
  return { consumer, done: { tables, leases }, dryRun };
}

const TWO_LEASES = { outcome: 'written', shardIds: ['shardId-0', 'shardId-1'] } as const;

describe('what people read', () => {
  it('tells table by table what was done, and where', () => {
    const declared = { initialPositionInStream: 'LATEST', coordinatorStateTableName: 'lead' } as const;
    const facts = factsOf({ outcomes: ['created', 'exists', 'created'], leases: TWO_LEASES, declared });
    expect(describeProvisioned(facts)).toBe(`order-mailer at AWS:
  created table order-mailer (on demand, index LeaseOwnerToLeaseKeyIndex)
  found table lead
  created table order-mailer-WorkerMetricStats (on demand)
  wrote 2 leases of stream orders at LATEST
`);
  });

  it('tells of a dry run what would be done', () => {
    const declared = { dynamoDBEndpoint: 'http://127.0.0.1:8000' };
    const leases = { ...TWO_LEASES, shardIds: ['shardId-0'] };
    const facts = factsOf({ outcomes: ['indexAdded', 'created'], leases, declared, dryRun: true });
    expect(describeProvisioned(facts)).toBe(`order-mailer at http://127.0.0.1:8000 (dry run, nothing was done):
  would add index LeaseOwnerToLeaseKeyIndex to table order-mailer
  would create table order-mailer-CoordinatorState (on demand)
  would write 1 lease of stream orders at TRIM_HORIZON
`);
  });

  it('tells why leases were not written, and what to know of a table', () => {
    const leases = { outcome: 'kept', shardIds: [] } as const;
    expect(describeProvisioned(factsOf({ outcomes: ['exists'], notes: ['it is old'], leases })))
      .toBe(`order-mailer at AWS:
  found table order-mailer
    note: it is old
  found leases: the table is not empty, so none was written
`);
  });
});

describe('what programs read', () => {
  it('has the same facts', () => {
    expect(summarizeProvisioned(factsOf({ outcomes: ['created'], leases: TWO_LEASES }))).toEqual({
      applicationName: 'order-mailer',
      stream: 'orders',
      dryRun: false,
      tables: [{ name: 'order-mailer', outcome: 'created', notes: [] }],
      leases: TWO_LEASES,
    });
    expect(summarizeProvisioned(factsOf({ outcomes: [] })).leases).toBeNull();
  });
});
