/** What is looked at before a daemon starts: everything at once, each within seconds, and no failure ends the others. */
import type { TableDescription } from '@aws-sdk/client-dynamodb';
import { isMillraceError, MillraceError } from '../errors.js';
import type { Clock } from '../ports.js';
import { atMost } from '../runtime/race.js';
import type { LeaseFacts } from './coordination.js';
import type { AwsService } from './daemon-credentials.js';
import type { TablePlan } from './provision-tables.js';

export interface StreamSummary {
  /** ACTIVE, CREATING, UPDATING or DELETING. */
  readonly status: string;
  readonly retentionMs: number;
  readonly openShards: number;
}

export interface KnownShard {
  readonly shardId: string;
  readonly closed: boolean;
  readonly startingSequenceNumber: string | undefined;
}

/** What is asked of AWS. Every method throws the MillraceError a user is to see; what hangs is given up. */
export interface PreflightApi {
  /** Finds them, and shows them to nobody. */
  credentials(service: AwsService): Promise<void>;
  describeStream(signal: AbortSignal): Promise<StreamSummary>;
  /** All shards that the stream still holds. */
  listShards(signal: AbortSignal): Promise<readonly KnownShard[]>;
  describeTable(table: string, signal: AbortSignal): Promise<TableDescription | undefined>;
  leases(signal: AbortSignal): Promise<readonly LeaseFacts[]>;
  close(): void;
}

export type Answer<T> =
  | { readonly kind: 'answered'; readonly value: T }
  | { readonly kind: 'failed'; readonly error: MillraceError };

export interface TableFacts {
  readonly plan: TablePlan;
  /** Undefined: there is none. */
  readonly found: Answer<TableDescription | undefined>;
}

export interface PreflightFacts {
  readonly stream: Answer<StreamSummary>;
  readonly shards: Answer<readonly KnownShard[]>;
  /** The lease table first. */
  readonly tables: readonly TableFacts[];
  readonly leases: Answer<readonly LeaseFacts[]>;
}

export interface Gathering {
  readonly api: PreflightApi;
  readonly clock: Clock;
  /** What is not answered by then is given up with the rest. */
  readonly signal: AbortSignal;
}

/** Twice that at most: credentials come before calls. */
const ANSWER_WITHIN_MS = 4_000;

export async function gatherFacts(plans: readonly TablePlan[], gathering: Gathering): Promise<PreflightFacts> {
  const { api } = gathering;
  const [kinesis, dynamoDb] = [identify('kinesis', gathering), identify('dynamoDb', gathering)];
  const [stream, shards, leases, tables] = await Promise.all([
    ask(kinesis, (signal) => api.describeStream(signal), { ...gathering, what: 'Kinesis' }),
    ask(kinesis, (signal) => api.listShards(signal), { ...gathering, what: 'Kinesis' }),
    ask(dynamoDb, (signal) => api.leases(signal), { ...gathering, what: 'DynamoDB' }),
    Promise.all(
      plans.map(async (plan) => {
        const describe = (signal: AbortSignal) => api.describeTable(plan.name, signal);
        return { plan, found: await ask(dynamoDb, describe, { ...gathering, what: 'DynamoDB' }) };
      }),
    ),
  ]);
  return { stream, shards, leases, tables };
}

function identify(service: AwsService, { api, clock, signal }: Gathering): Promise<Answer<void>> {
  const late = (): MillraceError =>
    new MillraceError(
      'CREDENTIALS_MISSING',
      `No AWS credentials were found within ${ANSWER_WITHIN_MS / 1000} s. Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or see why the service that is to give them does not answer.`,
    );
  return settle(() => api.credentials(service), { clock, signal, late });
}

interface Asking extends Gathering {
  readonly what: 'Kinesis' | 'DynamoDB';
}

async function ask<T>(
  credentials: Promise<Answer<void>>,
  call: (signal: AbortSignal) => Promise<T>,
  { what, clock, signal }: Asking,
): Promise<Answer<T>> {
  const identified = await credentials;
  if (identified.kind === 'failed') return identified;
  const property = what === 'Kinesis' ? 'kinesisEndpoint' : 'dynamoDBEndpoint';
  const late = (): MillraceError =>
    new MillraceError(
      'ENDPOINT_UNREACHABLE',
      `${what} has not answered within ${ANSWER_WITHIN_MS / 1000} s. Check ${property}, regionName and the network.`,
    );
  return settle(call, { clock, signal, late });
}

interface Limit {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly late: () => MillraceError;
}

async function settle<T>(
  call: (signal: AbortSignal) => Promise<T>,
  { clock, signal, late }: Limit,
): Promise<Answer<T>> {
  const ended = new AbortController();
  try {
    const raced = await atMost(call(ended.signal), { clock, limitMs: ANSWER_WITHIN_MS, giveUp: signal });
    return raced.kind === 'done' ? { kind: 'answered', value: raced.value } : { kind: 'failed', error: late() };
  } catch (error) {
    if (!isMillraceError(error)) throw error;
    return { kind: 'failed', error };
  } finally {
    ended.abort();
  }
}
