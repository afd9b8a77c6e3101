/**
 * The tables of applications as CloudFormation (YAML) and Terraform (HCL), for those whose infrastructure is code. Pure.
 * Texts are quoted as JSON, which both languages read; Terraform's own interpolation is escaped.
 */
import { keyNames, type TablePlan } from './provision-tables.js';

export type TemplateKind = 'cloudformation' | 'terraform';

export interface ApplicationTables {
  readonly applicationName: string;
  readonly tables: readonly TablePlan[];
}

export function renderTemplate(kind: TemplateKind, applications: readonly ApplicationTables[]): string {
  return kind === 'cloudformation' ? cloudFormation(applications) : terraform(applications);
}

const HEADLINE = 'The DynamoDB tables of Amazon Kinesis consumers (KCL 3.1.3)';

function cloudFormation(applications: readonly ApplicationTables[]): string {
  const resources = namedTables(applications, pascalCase).map(({ name, table }) => formationTable(name, table));
  return [
    "AWSTemplateFormatVersion: '2010-09-09'",
    `Description: ${HEADLINE}`,
    'Resources:',
    ...resources.flat().map((line) => `  ${line}`),
    '',
  ].join('\n');
}

const quote = (text: string): string => JSON.stringify(text);

function formationTable(name: string, table: TablePlan): string[] {
  const keys = [...keyNames(table)];
  return [
    `${name}:`,
    '  Type: AWS::DynamoDB::Table',
    // Positions are lost with the lease table: deleting a stack must not do that.
    '  DeletionPolicy: Retain',
    '  UpdateReplacePolicy: Retain',
    '  Properties:',
    `    TableName: ${quote(table.name)}`,
    ...formationBilling(table, '    '),
    '    AttributeDefinitions:',
    ...keys.flatMap((key) => [`      - AttributeName: ${quote(key)}`, '        AttributeType: S']),
    '    KeySchema:',
    `      - AttributeName: ${quote(table.key)}`,
    '        KeyType: HASH',
    ...formationIndex(table),
    `    DeletionProtectionEnabled: ${table.deletionProtection}`,
    '    PointInTimeRecoverySpecification:',
    `      PointInTimeRecoveryEnabled: ${table.pointInTimeRecovery}`,
    ...(table.tags.length === 0 ? [] : ['    Tags:']),
    ...table.tags.flatMap(([key, value]) => [`      - Key: ${quote(key)}`, `        Value: ${quote(value)}`]),
  ];
}

function formationBilling({ billing }: TablePlan, indent: string): string[] {
  if (billing.kind === 'onDemand') return [`${indent}BillingMode: PAY_PER_REQUEST`];
  return [
    `${indent}BillingMode: PROVISIONED`,
    `${indent}ProvisionedThroughput:`,
    `${indent}  ReadCapacityUnits: ${billing.readCapacity}`,
    `${indent}  WriteCapacityUnits: ${billing.writeCapacity}`,
  ];
}

function formationIndex({ index }: TablePlan): string[] {
  if (index === undefined) return [];
  return [
    '    GlobalSecondaryIndexes:',
    `      - IndexName: ${quote(index.name)}`,
    '        KeySchema:',
    `          - AttributeName: ${quote(index.hashKey)}`,
    '            KeyType: HASH',
    `          - AttributeName: ${quote(index.rangeKey)}`,
    '            KeyType: RANGE',
    '        Projection:',
    '          ProjectionType: KEYS_ONLY',
  ];
}

function terraform(applications: readonly ApplicationTables[]): string {
  const resources = namedTables(applications, snakeCase).map(({ name, table }) => terraformTable(name, table));
  return `${[[`# ${HEADLINE}`], ...resources].map((lines) => lines.join('\n')).join('\n\n')}\n`;
}

/** A text of HCL may hold `${...}` and `%{...}`, which Terraform would evaluate. */
const hcl = (text: string): string =>
  quote(text)
    .replaceAll('${', () => '$${')
    .replaceAll('%{', '%%{');

function terraformTable(name: string, table: TablePlan): string[] {
  return [
    `resource "aws_dynamodb_table" ${hcl(name)} {`,
    `  name                        = ${hcl(table.name)}`,
    `  billing_mode                = ${table.billing.kind === 'onDemand' ? '"PAY_PER_REQUEST"' : '"PROVISIONED"'}`,
    ...(table.billing.kind === 'onDemand'
      ? []
      : [
          `  read_capacity               = ${table.billing.readCapacity}`,
          `  write_capacity              = ${table.billing.writeCapacity}`,
        ]),
    `  hash_key                    = ${hcl(table.key)}`,
    `  deletion_protection_enabled = ${table.deletionProtection}`,
    ...[...keyNames(table)].flatMap((key) => block('attribute', [`name = ${hcl(key)}`, 'type = "S"'])),
    ...terraformIndex(table),
    ...block('point_in_time_recovery', [`enabled = ${table.pointInTimeRecovery}`]),
    ...(table.tags.length === 0 ? [] : ['', '  tags = {']),
    ...table.tags.map(([key, value]) => `    ${hcl(key)} = ${hcl(value)}`),
    ...(table.tags.length === 0 ? [] : ['  }']),
    // Positions are lost with the lease table.
    ...block('lifecycle', ['prevent_destroy = true']),
    '}',
  ];
}

function terraformIndex({ index }: TablePlan): string[] {
  if (index === undefined) return [];
  return block('global_secondary_index', [
    `name            = ${hcl(index.name)}`,
    `hash_key        = ${hcl(index.hashKey)}`,
    `range_key       = ${hcl(index.rangeKey)}`,
    'projection_type = "KEYS_ONLY"',
  ]);
}

function block(name: string, lines: readonly string[]): string[] {
  return ['', `  ${name} {`, ...lines.map((line) => `    ${line}`), '  }'];
}

const ROLE_NAMES = { leases: 'Leases', coordinator: 'CoordinatorState', workerMetrics: 'WorkerMetricStats' } as const;

interface NamedTable {
  readonly name: string;
  readonly table: TablePlan;
}

/** Names for the resources, which take letters and digits alone: where two applications end up with one, they are numbered. */
function namedTables(applications: readonly ApplicationTables[], toName: (text: string) => string): NamedTable[] {
  const taken = new Set<string>();
  return applications.flatMap(({ applicationName, tables }) =>
    tables.map((table) => {
      const wanted = toName(`${applicationName}-${ROLE_NAMES[table.role]}`);
      let name = wanted;
      for (let count = 2; taken.has(name); count += 1) name = `${wanted}${count}`;
      taken.add(name);
      return { name, table };
    }),
  );
}

/** `order-mailer-Leases` to `OrderMailerLeases`. */
export function pascalCase(text: string): string {
  return text
    .split(/[^A-Za-z0-9]+/)
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('');
}

/** `order-mailer-Leases` to `order_mailer_leases`; a name of Terraform does not begin with a digit. */
function snakeCase(text: string): string {
  const words = text.replaceAll(/([a-z0-9])([A-Z])/g, '$1-$2').split(/[^A-Za-z0-9]+/);
  const name = words
    .filter((word) => word !== '')
    .join('_')
    .toLowerCase();
  return /^\d/.test(name) ? `app_${name}` : name;
}
