/** What provisioning asks of AWS, small enough to be faked by hand. Every method throws the MillraceError a user is to see. */
import type { CreateTableCommandInput, TableDescription, UpdateTableCommandInput } from '@aws-sdk/client-dynamodb';
import type { ShardFilter } from '@aws-sdk/client-kinesis';
import type { Clock } from '../ports.js';
import type { LeaseRow, ListedShard } from './provision-leases.js';

export interface TablesApi {
  /** Undefined where there is no table of this name. */
  describe(table: string): Promise<TableDescription | undefined>;
  /** `existed` when somebody else made it in the meantime. */
  create(input: CreateTableCommandInput): Promise<'created' | 'existed'>;
  /** Does nothing while the table is being changed. */
  update(input: UpdateTableCommandInput): Promise<void>;
  /** Turns point-in-time recovery on; `notYet` right after a table was made. */
  enableRecovery(table: string): Promise<'enabled' | 'notYet'>;
  isEmpty(table: string): Promise<boolean>;
  readLeader(coordinatorTable: string): Promise<LeaderRow | undefined>;
  /** All rows or none; `taken` when one of them is there already. */
  writeLeases(table: string, rows: readonly LeaseRow[]): Promise<'written' | 'taken'>;
  close(): void;
}

/** The lock of the worker that assigns the leases; its holder writes a new version every 30 seconds. */
export interface LeaderRow {
  readonly owner: string;
  readonly version: string;
  /** Given up in order. */
  readonly released: boolean;
}

export interface ProvisionPorts {
  readonly tables: TablesApi;
  listShards(filter: ShardFilter): Promise<readonly ListedShard[]>;
  readonly clock: Clock;
  /** Tells what takes long while it takes long. */
  readonly say: (line: string) => void;
}
