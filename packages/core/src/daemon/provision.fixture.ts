/** DynamoDB as provisioning sees it, in memory. Tables become active when they are looked at often enough. */
import type { CreateTableCommandInput, TableDescription, UpdateTableCommandInput } from '@aws-sdk/client-dynamodb';
import type { LeaseRow } from './provision-leases.js';
import type { LeaderRow, TablesApi } from './provision-ports.js';

interface StoredTable {
  description: TableDescription;
  /** How many more looks until it is active. */
  looks: number;
}

export class FakeTables implements TablesApi {
  readonly stored = new Map<string, StoredTable>();
  readonly calls: string[] = [];
  rows: LeaseRow[] = [];
  /** The leader's rows of the next looks; the last one stays. */
  leader: (LeaderRow | undefined)[] = [undefined];
  recoveryRefusals = 0;
  /** A worker comes in between. */
  beforeCreate: (input: CreateTableCommandInput) => void = () => undefined;
  beforeWrite: () => void = () => undefined;

  /** @param looks - at a new table or index until it is active. */
  constructor(private readonly looks = 2) {}

  add(description: TableDescription & { readonly TableName: string }): void {
    this.stored.set(description.TableName, { description, looks: 0 });
  }

  async describe(name: string): Promise<TableDescription | undefined> {
    const table = this.stored.get(name);
    if (table === undefined) return undefined;
    if (table.looks > 0) table.looks -= 1;
    const GlobalSecondaryIndexes = table.description.GlobalSecondaryIndexes?.map((index) => ({
      ...index,
      IndexStatus: table.looks === 0 ? ('ACTIVE' as const) : ('CREATING' as const),
    }));
    const shown = GlobalSecondaryIndexes === undefined ? {} : { GlobalSecondaryIndexes };
    return { ...table.description, ...shown, ...(table.looks === 0 ? {} : { TableStatus: 'CREATING' }) };
  }

  async create(input: CreateTableCommandInput): Promise<'created' | 'existed'> {
    this.beforeCreate(input);
    const name = input.TableName ?? '';
    this.calls.push(`create ${name}`);
    if (this.stored.has(name)) return 'existed';
    const { KeySchema, AttributeDefinitions, GlobalSecondaryIndexes } = input;
    const indexes = GlobalSecondaryIndexes === undefined ? {} : { GlobalSecondaryIndexes };
    const description = {
      TableName: name,
      TableStatus: 'ACTIVE' as const,
      KeySchema,
      AttributeDefinitions,
      ...indexes,
    };
    this.stored.set(name, { description, looks: this.looks });
    return 'created';
  }

  async update(input: UpdateTableCommandInput): Promise<void> {
    const name = input.TableName ?? '';
    this.calls.push(`update ${name}`);
    const table = this.stored.get(name);
    const index = input.GlobalSecondaryIndexUpdates?.[0]?.Create;
    if (table === undefined || index === undefined) throw new Error(`Nothing to update: ${name}`);
    table.description = { ...table.description, GlobalSecondaryIndexes: [index] };
    table.looks = this.looks;
  }

  async enableRecovery(name: string): Promise<'enabled' | 'notYet'> {
    this.calls.push(`recovery ${name}`);
    this.recoveryRefusals -= 1;
    return this.recoveryRefusals >= 0 ? 'notYet' : 'enabled';
  }

  async isEmpty(): Promise<boolean> {
    return this.rows.length === 0;
  }

  async readLeader(): Promise<LeaderRow | undefined> {
    return this.leader.length > 1 ? this.leader.shift() : this.leader[0];
  }

  async writeLeases(name: string, rows: readonly LeaseRow[]): Promise<'written' | 'taken'> {
    this.beforeWrite();
    this.calls.push(`leases ${name}`);
    if (this.rows.length > 0) return 'taken';
    this.rows = [...rows];
    return 'written';
  }

  close(): void {
    this.calls.push('close');
  }
}
