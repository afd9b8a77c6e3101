import { DeadLetter, file, KinesisConsumer, NonRetryableError, OnRecord, type RecordContext } from '@millrace/core';
import { AccountClosed, AccountOpened, MoneyDeposited, MoneyWithdrawn } from './account-events.js';
import { Balances } from './balances.js';

/**
 * Keeps the balances. One method for each type of event; `discriminator` says where the type stands. An event of a type
 * that no method takes fails like any other record and is parked: when a newer version knows it, it can be put again.
 */
@KinesisConsumer('account-events', 'account-book', { discriminator: 'type' })
@DeadLetter(file({ directory: './parked' }))
export class AccountBook {
  constructor(private readonly balances: Balances) {}

  @OnRecord({ type: 'AccountOpened', schema: AccountOpened })
  opened({ account }: AccountOpened, { record }: RecordContext): void {
    this.balances.open(account, record);
  }

  @OnRecord({ type: 'MoneyDeposited', schema: MoneyDeposited })
  deposited({ account, cents }: MoneyDeposited, { record }: RecordContext): void {
    this.change(account, cents, record);
  }

  @OnRecord({ type: 'MoneyWithdrawn', schema: MoneyWithdrawn })
  withdrawn({ account, cents }: MoneyWithdrawn, { record }: RecordContext): void {
    this.change(account, -cents, record);
  }

  @OnRecord({ type: 'AccountClosed', schema: AccountClosed })
  closed({ account }: AccountClosed, { record }: RecordContext): void {
    this.balances.close(account, record);
  }

  /** Events of an account come in order, so an account that is unknown now will not be known a minute later. */
  private change(account: string, cents: number, record: RecordContext['record']): void {
    const balance = this.balances.add(account, cents, record);
    if (balance === undefined) throw new NonRetryableError(`There is no open account ${account}.`);
  }
}
