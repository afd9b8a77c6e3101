import { describe, expect, it } from 'vitest';
import { resolveScenario, type Scenario } from '../config/resolve.fixture.js';
import { createTableInput, planTables } from './provision-tables.js';
import { renderTemplate, type ApplicationTables } from './provision-templates.js';
import { parseYaml } from './yaml-subset.fixture.js';

function application(scenario: Scenario = {}): ApplicationTables {
  const consumer = resolveScenario(scenario);
  return { applicationName: consumer.applicationName, tables: planTables(consumer) };
}

const RICH: Scenario = {
  declared: {
    leaseTableDeletionProtectionEnabled: true,
    leaseTablePitrEnabled: true,
    coordinatorStateBillingMode: 'PROVISIONED',
    coordinatorStateReadCapacity: 5,
    coordinatorStateWriteCapacity: 7,
    workerMetricsTags: { owner: '"${aws:me}" & %{if}: #1' },
  },
};

describe('CloudFormation', () => {
  const resources = (...applications: ApplicationTables[]) =>
    (parseYaml(renderTemplate('cloudformation', applications)) as { Resources: Record<string, { Properties: object }> })
      .Resources;

  it('describes the tables as CreateTable would make them, and keeps them when the stack goes', () => {
    const rich = application(RICH);
    const expected = rich.tables.map((plan) => ({
      Type: 'AWS::DynamoDB::Table',
      DeletionPolicy: 'Retain',
      UpdateReplacePolicy: 'Retain',
      Properties: {
        ...createTableInput(plan),
        PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: plan.pointInTimeRecovery },
      },
    }));
    expect(resources(rich)).toEqual({
      OrderMailerLeases: expected[0],
      OrderMailerCoordinatorState: expected[1],
      OrderMailerWorkerMetricStats: expected[2],
    });
  });

  it('gives every resource of several applications its own name of letters and digits', () => {
    const names = Object.keys(
      resources(
        application(),
        application({ definition: { applicationName: 'order_mailer' } }),
        application({ definition: { applicationName: '2nd.try' } }),
      ),
    );
    expect(names).toHaveLength(9);
    expect(names).toEqual(expect.arrayContaining(['OrderMailerLeases', 'OrderMailerLeases2', '2ndTryLeases']));
    expect(names.filter((name) => !/^[A-Za-z0-9]+$/.test(name))).toEqual([]);
  });
});

describe('Terraform', () => {
  it('describes the tables, and refuses to destroy them', () => {
    const [lease = '', coordinator = '', metrics = ''] = renderTemplate('terraform', [application(RICH)])
      .split('\nresource ')
      .slice(1);
    expect(lease).toBe(`"aws_dynamodb_table" "order_mailer_leases" {
  name                        = "order-mailer"
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = "leaseKey"
  deletion_protection_enabled = true

  attribute {
    name = "leaseKey"
    type = "S"
  }

  attribute {
    name = "leaseOwner"
    type = "S"
  }

  global_secondary_index {
    name            = "LeaseOwnerToLeaseKeyIndex"
    hash_key        = "leaseOwner"
    range_key       = "leaseKey"
    projection_type = "KEYS_ONLY"
  }

  point_in_time_recovery {
    enabled = true
  }

  lifecycle {
    prevent_destroy = true
  }
}
`);
    expect(coordinator).toContain(
      '"PROVISIONED"\n  read_capacity               = 5\n  write_capacity              = 7\n',
    );
    expect(metrics).toContain('  tags = {\n    "owner" = "\\"$${aws:me}\\" & %%{if}: #1"\n  }\n');
  });

  it('closes what it opens, and starts no name with a digit', () => {
    const text = renderTemplate('terraform', [
      application(),
      application({ definition: { applicationName: '2nd.try' } }),
    ]);
    let depth = 0;
    for (const line of text.split('\n')) {
      if (line.endsWith('}')) depth -= 1;
      expect(depth).toBeGreaterThanOrEqual(0);
      // Inside a block the text is indented by its depth.
      if (line !== '') expect(line).toMatch(new RegExp(`^ {${2 * depth}}\\S`));
      if (line.endsWith('{')) depth += 1;
    }
    expect(depth).toBe(0);
    expect(text.match(/^resource .*$/gm)).toEqual([
      ...['leases', 'coordinator_state', 'worker_metric_stats'].map(
        (name) => `resource "aws_dynamodb_table" "order_mailer_${name}" {`,
      ),
      ...['leases', 'coordinator_state', 'worker_metric_stats'].map(
        (name) => `resource "aws_dynamodb_table" "app_2nd_try_${name}" {`,
      ),
    ]);
  });
});
