import { beforeEach, describe, expect, it } from 'vitest';
import { Balances } from './balances.js';

/** Two neighbours that are the same number to JavaScript, as real sequence numbers are. */
const at = (last: number, subSequenceNumber = 0) => ({
  sequenceNumber: `4968048075114633948555439013539536657402850703132668${1000 + last}`,
  subSequenceNumber,
});

describe('Balances', () => {
  let balances: Balances;
  beforeEach(() => {
    balances = new Balances();
    balances.open('alice', at(1));
  });

  it('adds and subtracts', () => {
    balances.add('alice', 500, at(2));
    balances.add('alice', -200, at(3));

    expect(balances.of('alice')).toBe(300);
  });

  it('counts what is delivered again after a crash once', () => {
    balances.add('alice', 500, at(2));
    balances.add('alice', -200, at(3, 0));
    balances.add('alice', -200, at(3, 1));

    balances.open('alice', at(1));
    balances.add('alice', 500, at(2));
    balances.add('alice', -200, at(3, 0));

    expect(balances.of('alice')).toBe(100);
  });

  it('does not open a closed account again when its opening is delivered again', () => {
    balances.close('alice', at(2));

    balances.open('alice', at(1));

    expect(balances.of('alice')).toBeUndefined();
  });

  it('refuses to add to an account that is not open', () => {
    expect(balances.add('bob', 500, at(2))).toBeUndefined();
    expect(balances.of('bob')).toBeUndefined();
  });
});
