import { handler, records, testBed } from '@millrace/testing';
import '@millrace/testing/vitest';
import { describe, expect, it } from 'vitest';
import { AccountBook } from './account-book.js';
import { Balances } from './balances.js';

const event = records.json<{ type: string; account: string; owner?: string; cents?: number }>({
  key: ({ account }) => account,
});
const opened = (account = 'alice') => event({ type: 'AccountOpened', account, owner: 'Ann' });
const deposited = (cents: number, account = 'alice') => event({ type: 'MoneyDeposited', account, cents });
const withdrawn = (cents: number, account = 'alice') => event({ type: 'MoneyWithdrawn', account, cents });
const closed = (account = 'alice') => event({ type: 'AccountClosed', account });

describe('AccountBook', () => {
  it('gives each type of event to its own method', async () => {
    await using bed = await testBed(AccountBook);

    bed
      .shard()
      .deliver(opened('alice'), opened('bob'), deposited(500), withdrawn(200), deposited(50, 'bob'), closed('bob'));
    await bed.idle();

    const balances = bed.resolve(Balances);
    expect([balances.of('alice'), balances.of('bob')]).toEqual([300, undefined]);
    expect(bed).toHaveLostNothing();
  });

  it('parks an event of a type that it does not know, and goes on', async () => {
    await using bed = await testBed(AccountBook);

    const [, unknown, last] = bed
      .shard()
      .deliver(opened(), event({ type: 'AccountFrozen', account: 'alice' }), deposited(500));
    await bed.idle();

    expect(bed).toHaveParked(unknown, { reason: 'NO_HANDLER_MATCHED' });
    expect(bed.shard()).toHaveCheckpointed(last);
  });

  it('parks money for an account that is not there, at once', async () => {
    await using bed = await testBed(AccountBook);

    const [money] = bed.shard().deliver(deposited(500));
    await bed.idle();

    expect(bed).toHaveParked(money, { attempts: 1, reason: /no open account alice/ });
  });

  it('counts events once that are delivered again after a crash', async () => {
    await using bed = await testBed(AccountBook);
    bed.shard().deliver(opened(), deposited(500), withdrawn(200));
    await bed.settle();

    await bed.shard().crash();
    await bed.idle();

    expect(bed.resolve(Balances).of('alice')).toBe(300);
  });
});

describe('deposited', () => {
  it.each([0, -1, 0.5, '5'])('refuses %j cents', async (cents) => {
    const outcome = await handler(AccountBook, 'deposited').run(
      records.of({ type: 'MoneyDeposited', account: 'alice', cents }),
    );

    expect(outcome.error).toMatchObject({ code: 'VALIDATION_FAILED' });
  });
});
