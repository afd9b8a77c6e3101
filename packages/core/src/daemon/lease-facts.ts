/** A row of the lease table, as DynamoDB gives it. Pure. */
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import type { LeaseFacts } from './coordination.js';

/** Undefined for what is no lease: from KCL 3.5 on, the lock and the workers' load can stand in the same table. */
export function leaseFactsOf(item: Readonly<Record<string, AttributeValue>>): LeaseFacts | undefined {
  const shardId = item['leaseKey']?.S;
  const checkpoint = item['checkpoint']?.S;
  const entity = item['entityType']?.S ?? 'LEASE';
  if (shardId === undefined || checkpoint === undefined || entity.toUpperCase() !== 'LEASE') return undefined;
  return {
    shardId,
    owner: item['leaseOwner']?.S,
    checkpointOwner: item['checkpointOwner']?.S,
    counter: Number(item['leaseCounter']?.N ?? 0),
    checkpoint,
    subSequenceNumber: Number(item['checkpointSubSequenceNumber']?.N ?? 0),
  };
}
