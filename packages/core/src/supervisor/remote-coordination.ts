/** What workers tell each other in DynamoDB, read and deleted by errands. */
import type { ResolvedConsumer } from '../config/resolved.js';
import type { Coordination } from '../daemon/coordination.js';
import type { CoordinationCall, DescribedConsumer } from './errands.js';
import type { Environment } from '../definition/definition.js';
import type { ErrandRunner } from './errand-process.js';

export interface CoordinationRequest {
  readonly errands: ErrandRunner;
  readonly consumer: ResolvedConsumer;
  readonly env: Environment;
}

/** Nothing is called yet. @throws ConfigurationError with issue REGION_MISSING. */
export async function openRemoteCoordination({ errands, consumer, env }: CoordinationRequest): Promise<Coordination> {
  const described = describeConsumer(consumer);
  const call = <C extends CoordinationCall>(made: C, signal?: AbortSignal) =>
    errands.run({ kind: 'coordinate', consumer: described, env, call: made } as const, signal);
  const release = errands.hold();
  try {
    await call({ kind: 'open' });
  } catch (error) {
    release();
    throw error;
  }
  return {
    leases: (signal) => call({ kind: 'leases' }, signal),
    lease: (shardId, signal) => call({ kind: 'lease', shardId }, signal),
    leader: (signal) => call({ kind: 'leader' }, signal),
    deleteLeader: (expected, signal) => call({ kind: 'deleteLeader', expected }, signal),
    lastSeenMs: (workerId, signal) => call({ kind: 'lastSeenMs', workerId }, signal),
    forgetWorker: (workerId, signal) => call({ kind: 'forgetWorker', workerId }, signal),
    close: release,
  };
}

export function describeConsumer(consumer: ResolvedConsumer): DescribedConsumer {
  const { stream, applicationName, properties, options, notices, settings, daemon } = consumer;
  // A decoder may be a function, and nothing beside the daemon decodes a record.
  return { stream, applicationName, properties, options, notices, daemon, settings: { ...settings, decode: 'bytes' } };
}
