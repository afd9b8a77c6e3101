/** What the sinks on AWS share: how a service is reached, and what its errors mean for whoever set the sink up. */
import type { NodeHttpHandler } from '@smithy/node-http-handler';
import { isOnThisMachine } from '../config/this-machine.js';
import type { AwsPlace } from '../definition/parked-place.js';
import { MillraceError, toError } from '../errors.js';

export interface AwsOptions {
  /** @defaultValue as the AWS SDK finds it: AWS_REGION, or the profile */
  readonly region?: string;
  /** Of an emulator or a private endpoint. @defaultValue AWS itself */
  readonly endpoint?: string;
}

export interface ClientOptions {
  readonly requestHandler: NodeHttpHandler;
  readonly maxAttempts: number;
  readonly region?: string;
  readonly endpoint?: string;
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string };
}

/** Whoever parks gives a write 30 s and tries it again by itself, so a request ends well before that. */
const CONNECT_TIMEOUT_MS = 3_000;
const REQUEST_TIMEOUT_MS = 10_000;
const ATTEMPTS = 2;

export function awsPlace({ region, endpoint }: AwsOptions): AwsPlace {
  return { region, endpoint };
}

/** An emulator on this machine needs neither a region nor credentials; everywhere else they come from where the SDK looks. */
export async function clientOptions({ region, endpoint }: AwsPlace): Promise<ClientOptions> {
  const http = await import('@smithy/node-http-handler');
  const { env } = process;
  const local = endpoint !== undefined && isOnThisMachine(endpoint);
  const knownRegion = region ?? (env['AWS_REGION'] || (local ? 'us-east-1' : undefined));
  return {
    requestHandler: new http.NodeHttpHandler({
      connectionTimeout: CONNECT_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      throwOnRequestTimeout: true,
    }),
    maxAttempts: ATTEMPTS,
    ...(knownRegion === undefined ? {} : { region: knownRegion }),
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(local
      ? {
          credentials: {
            accessKeyId: env['AWS_ACCESS_KEY_ID'] || 'AKIALOCAL',
            secretAccessKey: env['AWS_SECRET_ACCESS_KEY'] || 'local',
          },
        }
      : {}),
  };
}

/** The SDK listens to a signal while a request runs: many requests at once on one signal look like a leak to Node. */
export function forOneRequest(signal: AbortSignal): { readonly abortSignal: AbortSignal } {
  return { abortSignal: AbortSignal.any([signal]) };
}

/** @throws MillraceError DEPENDENCY_MISSING when an optional client is not installed where the application is. */
export async function loadClient<T>(name: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    throw new MillraceError(
      'DEPENDENCY_MISSING',
      `This dead-letter sink needs the package ${name}, which cannot be loaded. Run \`npm install ${name}\`.`,
      { details: { package: name }, cause },
    );
  }
}

export interface AwsCall {
  /** `queue https://...`, `bucket orders-parked` */
  readonly what: string;
  /** The option that names it. */
  readonly option: string;
  readonly endpoint: string | undefined;
  /** What the policy has to allow for this call. */
  readonly permissions: readonly string[];
}

/** An error of an AWS client as one of ours: what is wrong, and how to mend it. */
export function awsFailure(error: unknown, call: AwsCall): MillraceError {
  return new MillraceError('SINK_FAILED', `The ${call.what} ${problemOf(error, call)}`, {
    cause: error,
    details: { ...call },
  });
}

function problemOf(thrown: unknown, { option, endpoint, permissions }: AwsCall): string {
  const error = toError(thrown);
  const { name, message } = error;
  const status = statusOf(error);
  const where = endpoint ?? 'AWS';
  if (name === 'CredentialsProviderError')
    return 'cannot be used: no AWS credentials were found. Set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.';
  if (message === 'Region is missing')
    return 'cannot be used: no AWS region is known. Give the sink a region, or set AWS_REGION.';
  if (NOT_FOUND.test(name) || status === 404)
    return `does not exist at ${where}. Check ${option}, the region and the account, or create it.`;
  if (status === 301 || name === 'PermanentRedirect')
    return 'is in another region than the one that was asked. Give the sink its region.';
  if (status === 403 || DENIED.test(name))
    return `refuses the call (${name}: ${message}). Check the credentials, and that their policy allows ${permissions.join(' and ')}.`;
  if (status === 0) return `cannot be reached at ${where}: ${message}. Check the endpoint, the region and the network.`;
  return `did not take the call: ${name}: ${message}.`;
}

const NOT_FOUND = /^(NotFound|NoSuchBucket|QueueDoesNotExist|ResourceNotFoundException)$/;
const DENIED = /AccessDenied|UnrecognizedClient|InvalidSignature|ExpiredToken|InvalidAccessKeyId|SignatureDoesNotMatch/;

/** 0 where no answer came. */
function statusOf(error: Error): number {
  const metadata: unknown = '$metadata' in error ? error.$metadata : undefined;
  return typeof metadata === 'object' && metadata !== null && 'httpStatusCode' in metadata
    ? Number(metadata.httpStatusCode ?? 0)
    : 0;
}
