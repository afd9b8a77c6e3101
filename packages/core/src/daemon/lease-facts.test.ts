import { expect, it } from 'vitest';
import { leaseFactsOf } from './lease-facts.js';

const written = { leaseKey: { S: 'shardId-0' }, checkpoint: { S: '496' }, leaseCounter: { N: '7' } };

it('reads a lease that KCL holds', () => {
  const item = { ...written, leaseOwner: { S: 'web-1' }, checkpointSubSequenceNumber: { N: '2' } };
  expect(leaseFactsOf(item)).toEqual({
    shardId: 'shardId-0',
    owner: 'web-1',
    checkpointOwner: undefined,
    counter: 7,
    checkpoint: '496',
    subSequenceNumber: 2,
  });
});

it('reads a lease that is being handed over', () => {
  const item = { ...written, leaseOwner: { S: 'web-2' }, checkpointOwner: { S: 'web-1' } };
  expect(leaseFactsOf(item)).toMatchObject({ owner: 'web-2', checkpointOwner: 'web-1' });
});

it('takes what KCL 3.5 calls a lease for one, and leaves out its other rows', () => {
  expect(leaseFactsOf({ ...written, entityType: { S: 'LEASE' } })).toBeDefined();
  expect(leaseFactsOf({ ...written, entityType: { S: 'LEADER' } })).toBeUndefined();
  expect(leaseFactsOf({ leaseKey: { S: 'Leader' }, leaseOwner: { S: 'web-1' } })).toBeUndefined();
});
