/** Who we are at AWS, and what time it is there: one call tells both, and it tells the time even when it refuses us. */
import type { NodeHttpHandler as Handler } from '@smithy/node-http-handler';
import type { ResolvedConsumer } from '../config/resolved.js';
import type { Environment } from '../definition/definition.js';
import { toError } from '../errors.js';
import { clientConfig } from '../local/kinesis-api.js';
import { isOnThisMachine } from '../config/this-machine.js';
import { classifyFailure, factsOf } from '../local/kinesis-failure.js';
import type { Clock } from '../ports.js';
import { dynamoEndpoint, kinesisEndpoint } from './aws-clients.js';
import { propertyOf } from './effective-property.js';

export type CallerIdentity =
  | { readonly kind: 'known'; readonly account: string; readonly arn: string; readonly skewMs: number | undefined }
  | { readonly kind: 'missing'; readonly why: string }
  /** AWS knows the key not, or not any more, or does not believe the signature. */
  | { readonly kind: 'refused'; readonly why: string; readonly skewMs: number | undefined }
  | { readonly kind: 'unreachable'; readonly why: string };

/** Whether a call of the daemon goes to AWS itself; emulators know nobody. */
export function callsAws(consumer: ResolvedConsumer): boolean {
  return [kinesisEndpoint(consumer), dynamoEndpoint(consumer)].some(isAws);
}

/** Whether both services are on this machine, where signatures and clocks are not checked. */
export function isLocal(consumer: ResolvedConsumer): boolean {
  return [kinesisEndpoint(consumer), dynamoEndpoint(consumer)].every(
    (endpoint) => endpoint !== undefined && isOnThisMachine(endpoint),
  );
}

function isAws(endpoint: string | undefined): boolean {
  if (endpoint === undefined) return true;
  const host = URL.canParse(endpoint) ? new URL(endpoint).hostname : '';
  return /(^|\.)amazonaws\.com(\.cn)?$/.test(host);
}

export interface IdentityQuestion {
  readonly env: Environment;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** Never rejects for what AWS or the network says. */
export async function callerIdentity(
  consumer: ResolvedConsumer,
  { env, clock, signal }: IdentityQuestion,
): Promise<CallerIdentity> {
  const { STSClient, GetCallerIdentityCommand } = await import('@aws-sdk/client-sts');
  const region = propertyOf(consumer, 'kinesisClient.region') ?? propertyOf(consumer, 'regionName');
  const config = await clientConfig({ endpoint: undefined, region, env });
  const time = await openTimekeeper(clock);
  const client = new STSClient({ ...stsOptions(config), requestHandler: time.requestHandler });
  try {
    const { Account = '', Arn = '' } = await client.send(new GetCallerIdentityCommand({}), { abortSignal: signal });
    return { kind: 'known', account: Account, arn: Arn, skewMs: time.skewMs() };
  } catch (error) {
    return failedIdentity(error, time.skewMs());
  } finally {
    client.destroy();
  }
}

/** The clients' options are the same but for the types of their extensions. */
function stsOptions({ region, maxAttempts }: Awaited<ReturnType<typeof clientConfig>>) {
  return {
    ...(region === undefined ? {} : { region }),
    ...(maxAttempts === undefined ? {} : { maxAttempts }),
  };
}

/** Pure. */
function failedIdentity(error: unknown, skewMs: number | undefined): CallerIdentity {
  const { name, message } = toError(error);
  const why = message === '' ? factsOf(error).code || name : message.replace(/\.$/, '');
  if (classifyFailure(error).kind === 'credentialsMissing') return { kind: 'missing', why };
  const { status } = factsOf(error);
  return status >= 400 && status < 500 ? { kind: 'refused', why, skewMs } : { kind: 'unreachable', why };
}

/** Notes what the answers' Date header says against our clock. */
async function openTimekeeper(clock: Clock) {
  const { NodeHttpHandler } = await import('@smithy/node-http-handler');
  let skewMs: number | undefined;
  class Timekeeper extends NodeHttpHandler {
    override async handle(...request: Parameters<Handler['handle']>): ReturnType<Handler['handle']> {
      const sentAt = clock.now();
      const answer = await super.handle(...request);
      skewMs = skewOf(answer.response.headers['date'], { sentAt, receivedAt: clock.now() }) ?? skewMs;
      return answer;
    }
  }
  const requestHandler = new Timekeeper({ connectionTimeout: 3_000, requestTimeout: 5_000 });
  return { requestHandler, skewMs: () => skewMs };
}

/**
 * How far our clock is ahead of the sender's, negative when it is behind; undefined without a date. The header has whole
 * seconds, and the answer was written at some moment between asking and hearing. Pure.
 */
export function skewOf(
  date: string | undefined,
  { sentAt, receivedAt }: { readonly sentAt: number; readonly receivedAt: number },
): number | undefined {
  const theirs = date === undefined ? NaN : Date.parse(date);
  if (Number.isNaN(theirs)) return undefined;
  if (sentAt > theirs + 1_000) return sentAt - (theirs + 1_000);
  return receivedAt < theirs ? receivedAt - theirs : 0;
}
