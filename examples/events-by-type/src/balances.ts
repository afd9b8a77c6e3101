import { singleton, type ConsumerRecord } from '@millrace/core';

/** Where in the stream an account was changed last. */
type Position = Pick<ConsumerRecord, 'sequenceNumber' | 'subSequenceNumber'>;

interface Account {
  readonly open: boolean;
  readonly cents: number;
  readonly changedAt: Position;
}

/**
 * What every account holds. In memory here, a table with one row for each account in a real program.
 *
 * Adding is not idempotent, and after a crash the records since the last checkpoint are delivered again. All events of
 * an account have the same partition key, so they come in order, and the position of the last change is enough to know
 * whether an event has been counted. Opening and closing go the same way, or a replay would open closed accounts again.
 */
@singleton()
export class Balances {
  readonly #accounts = new Map<string, Account>();

  of(account: string): number | undefined {
    const found = this.#accounts.get(account);
    return found?.open ? found.cents : undefined;
  }

  open(account: string, at: Position): void {
    if (this.#isNews(account, at)) this.#accounts.set(account, { open: true, cents: 0, changedAt: at });
  }

  /** @returns the new balance; undefined, and nothing is changed, when there is no such account. */
  add(account: string, cents: number, at: Position): number | undefined {
    const found = this.#accounts.get(account);
    if (found?.open !== true) return undefined;
    if (!this.#isNews(account, at)) return found.cents;
    this.#accounts.set(account, { open: true, cents: found.cents + cents, changedAt: at });
    return found.cents + cents;
  }

  close(account: string, at: Position): void {
    if (this.#isNews(account, at)) this.#accounts.set(account, { open: false, cents: 0, changedAt: at });
  }

  #isNews(account: string, at: Position): boolean {
    const last = this.#accounts.get(account)?.changedAt;
    return last === undefined || isAfter(at, last);
  }
}

/** Sequence numbers have some 56 digits: as text they compare wrongly, as numbers they lose their end. */
function isAfter(a: Position, b: Position): boolean {
  if (a.sequenceNumber === b.sequenceNumber) return a.subSequenceNumber > b.subSequenceNumber;
  return BigInt(a.sequenceNumber) > BigInt(b.sequenceNumber);
}
