import { PGlite, type Transaction } from '@electric-sql/pglite';
import { singleton } from '@millrace/core';
import type { Payment } from './payment.js';

export const SCHEMA = `
  create table if not exists accounts (account text primary key);
  create table if not exists payments (
    record_id text primary key,
    payment_id uuid not null unique,
    account text not null references accounts,
    cents bigint not null constraint positive check (cents > 0)
  );
`;

export interface Row {
  /** `record.id`: the same at every delivery, so that a payment delivered twice is inserted once. */
  readonly recordId: string;
  readonly payment: Payment;
}

/** A row that the database refuses, with SQLSTATE and constraint. */
export interface Refusal {
  readonly row: Row;
  /** Such as 23505 (unique), 23503 (foreign key), 23514 (check). */
  readonly code: string;
  readonly message: string;
}

/** The payments in PostgreSQL; PGlite is PostgreSQL in this process. */
@singleton()
export class Ledger {
  constructor(private readonly database: PGlite) {}

  /**
   * Inserts all rows that the constraints allow, in one transaction; the others come back. Throws what is no fault of a
   * row: then nothing was inserted.
   */
  async insert(rows: readonly Row[]): Promise<readonly Refusal[]> {
    try {
      await this.database.query(INSERT, columnsOf(rows));
      return [];
    } catch (error) {
      // One statement says that something is wrong, not what. The slow way is for the batches that need it.
      if (refusalOf(error) === undefined) throw error;
    }
    return this.database.transaction((transaction) => insertOneByOne(transaction, rows));
  }
}

const INSERT = `
  insert into payments (record_id, payment_id, account, cents)
  select * from unnest($1::text[], $2::uuid[], $3::text[], $4::bigint[])
  on conflict (record_id) do nothing`;

async function insertOneByOne(transaction: Transaction, rows: readonly Row[]): Promise<readonly Refusal[]> {
  const refusals: Refusal[] = [];
  for (const row of rows) {
    await transaction.exec('savepoint one_row');
    try {
      await transaction.query(INSERT, columnsOf([row]));
    } catch (error) {
      const refusal = refusalOf(error);
      if (refusal === undefined) throw error;
      await transaction.exec('rollback to savepoint one_row');
      refusals.push({ row, ...refusal });
    }
  }
  return refusals;
}

function columnsOf(rows: readonly Row[]): unknown[][] {
  return [
    rows.map(({ recordId }) => recordId),
    rows.map(({ payment }) => payment.paymentId),
    rows.map(({ payment }) => payment.account),
    rows.map(({ payment }) => payment.cents),
  ];
}

/** Class 23 of SQLSTATE: the row breaks a constraint. Everything else is the database's trouble. */
function refusalOf(error: unknown): Omit<Refusal, 'row'> | undefined {
  if (!(error instanceof Error && 'code' in error && typeof error.code === 'string')) return undefined;
  return error.code.startsWith('23') ? { code: error.code, message: error.message } : undefined;
}
