import { DeadLetter, file, KinesisConsumer, NonRetryableError, OnBatch, RetryPolicy, type Batch } from '@millrace/core';
import { Ledger, type Refusal } from './ledger.js';
import { Payment } from './payment.js';

/** A payment may come a moment before its account; every other constraint is broken for good. */
const FOREIGN_KEY_VIOLATION = '23503';

/** Inserts payments batch by batch. A row that the database refuses fails alone; the others of its batch are in. */
@KinesisConsumer('payments', 'payment-importer', { maxRecords: 500 })
@RetryPolicy({ attempts: 4, initialDelayMs: 500, then: 'deadLetter' })
@DeadLetter(file({ directory: './parked' }))
export class PaymentImporter {
  constructor(private readonly ledger: Ledger) {}

  /** Marked items run again, as a smaller batch, or are parked; unmarked ones are handled. A throw fails all of them. */
  @OnBatch({ schema: Payment })
  async insert(batch: Batch<Payment>): Promise<void> {
    const rows = batch.map(({ value: payment, record }) => ({ recordId: record.id, payment }));
    const refused = new Map((await this.ledger.insert(rows)).map((refusal) => [refusal.row.recordId, refusal]));
    for (const item of batch) {
      const refusal = refused.get(item.record.id);
      if (refusal !== undefined) item.fail(errorOf(refusal));
    }
  }
}

function errorOf({ code, message }: Refusal): Error {
  return code === FOREIGN_KEY_VIOLATION ? new Error(message) : new NonRetryableError(message);
}
