/** The look before a start, over the AWS SDK. */
import type { ResolvedConsumer } from '../config/resolved.js';
import type { Environment } from '../definition/definition.js';
import { MillraceError, toError } from '../errors.js';
import { classifyFailure, finalError, type Reading } from '../local/kinesis-failure.js';
import { openDynamo, openKinesis, type OpenedDynamo, type OpenedKinesis } from './aws-clients.js';
import { openCoordination } from './coordination-aws.js';
import { coordinationError } from './coordination-errors.js';
import type { KnownShard, PreflightApi, StreamSummary } from './preflight-facts.js';
import { reasonOf } from './provision-errors.js';

const HOUR_MS = 3_600_000;

/** Loads the SDK; nothing is called yet. @throws ConfigurationError with issue REGION_MISSING. */
export async function openPreflight(consumer: ResolvedConsumer, env: Environment): Promise<PreflightApi> {
  const kinesis = await openKinesis(consumer, env);
  const dynamo = await openDynamo(consumer, env);
  const coordination = await openCoordination(consumer, env);
  const { stream } = consumer;
  return {
    async credentials(service) {
      const made = { call: 'DescribeTable', table: consumer.applicationName, endpoint: dynamo.endpoint };
      try {
        await (service === 'kinesis' ? kinesis.client : dynamo.client).config.credentials();
      } catch (error) {
        throw service === 'kinesis'
          ? streamError(error, { stream, endpoint: kinesis.endpoint, call: 'ListShards' })
          : coordinationError(error, made);
      }
    },
    describeStream: (signal) => describeStream(kinesis, stream, signal),
    listShards: (signal) => listKnownShards(kinesis, stream, signal),
    describeTable: (table, signal) => describeTable(dynamo, table, signal),
    leases: (signal) => coordination.leases(signal),
    close() {
      kinesis.client.destroy();
      dynamo.client.destroy();
      coordination.close();
    },
  };
}

async function describeStream(
  { sdk, client, endpoint }: OpenedKinesis,
  stream: string,
  abortSignal: AbortSignal,
): Promise<StreamSummary> {
  try {
    const command = new sdk.DescribeStreamSummaryCommand({ StreamName: stream });
    const { StreamDescriptionSummary: found } = await client.send(command, { abortSignal });
    return {
      status: found?.StreamStatus ?? 'ACTIVE',
      retentionMs: (found?.RetentionPeriodHours ?? 24) * HOUR_MS,
      openShards: found?.OpenShardCount ?? 0,
    };
  } catch (error) {
    throw streamError(error, { stream, endpoint, call: 'DescribeStreamSummary' });
  }
}

async function listKnownShards(
  { sdk, client, endpoint }: OpenedKinesis,
  stream: string,
  abortSignal: AbortSignal,
): Promise<readonly KnownShard[]> {
  const shards: KnownShard[] = [];
  try {
    let nextToken: string | undefined;
    do {
      // The token names the stream already.
      const input = nextToken === undefined ? { StreamName: stream } : { NextToken: nextToken };
      const { Shards = [], NextToken } = await client.send(new sdk.ListShardsCommand(input), { abortSignal });
      for (const { ShardId = '', SequenceNumberRange: range } of Shards)
        shards.push({
          shardId: ShardId,
          closed: range?.EndingSequenceNumber !== undefined,
          startingSequenceNumber: range?.StartingSequenceNumber,
        });
      nextToken = NextToken;
    } while (nextToken !== undefined);
    return shards;
  } catch (error) {
    throw streamError(error, { stream, endpoint, call: 'ListShards' });
  }
}

async function describeTable({ sdk, client, endpoint }: OpenedDynamo, table: string, abortSignal: AbortSignal) {
  try {
    return (await client.send(new sdk.DescribeTableCommand({ TableName: table }), { abortSignal })).Table;
  } catch (error) {
    if (toError(error).name === 'ResourceNotFoundException') return undefined;
    throw coordinationError(error, { call: 'DescribeTable', table, endpoint });
  }
}

function streamError(error: unknown, reading: Reading): MillraceError {
  if (classifyFailure(error).kind !== 'denied') return finalError(error, reading);
  const { call, stream } = reading;
  return new MillraceError(
    'ACCESS_DENIED',
    `AWS refuses ${call} on stream "${stream}": ${reasonOf(error)}. Check the credentials, and that their policy allows kinesis:${call} on it; millrace iam prints the whole policy.`,
    { cause: error, details: { ...reading } },
  );
}
