/** What an error of the Kinesis API means for a reader. Pure; branches on names and codes, never on text. */
import { MillraceError, toError } from '../errors.js';

export type KinesisFailure =
  /** Passes by itself: trying again later is right. */
  | { readonly kind: 'passing'; readonly unreachable: boolean }
  | { readonly kind: 'iteratorExpired' }
  | { readonly kind: 'listingExpired' }
  | { readonly kind: 'notFound' }
  | { readonly kind: 'invalidArgument' }
  | { readonly kind: 'credentialsMissing' }
  | { readonly kind: 'denied' }
  | { readonly kind: 'other' };

const BY_NAME: Readonly<Record<string, KinesisFailure>> = {
  ProvisionedThroughputExceededException: { kind: 'passing', unreachable: false },
  LimitExceededException: { kind: 'passing', unreachable: false },
  KMSThrottlingException: { kind: 'passing', unreachable: false },
  ThrottlingException: { kind: 'passing', unreachable: false },
  /** The stream is being made or changed. */
  ResourceInUseException: { kind: 'passing', unreachable: false },
  TimeoutError: { kind: 'passing', unreachable: true },
  ExpiredIteratorException: { kind: 'iteratorExpired' },
  ExpiredNextTokenException: { kind: 'listingExpired' },
  ResourceNotFoundException: { kind: 'notFound' },
  InvalidArgumentException: { kind: 'invalidArgument' },
  CredentialsProviderError: { kind: 'credentialsMissing' },
  AccessDeniedException: { kind: 'denied' },
  UnrecognizedClientException: { kind: 'denied' },
  InvalidSignatureException: { kind: 'denied' },
  IncompleteSignature: { kind: 'denied' },
  ExpiredTokenException: { kind: 'denied' },
  OptInRequired: { kind: 'denied' },
};

const NETWORK_CODES: ReadonlySet<string> = new Set([
  'EAI_AGAIN',
  'ECONNABORTED',
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EPIPE',
  'ETIMEDOUT',
]);

export function classifyFailure(error: unknown): KinesisFailure {
  const { name, code, status } = factsOf(error);
  const named = Object.hasOwn(BY_NAME, name) ? BY_NAME[name] : undefined;
  if (named !== undefined) return named;
  if (NETWORK_CODES.has(code)) return { kind: 'passing', unreachable: true };
  // Too many requests, and everything the service says about itself.
  return status === 429 || status >= 500 ? { kind: 'passing', unreachable: false } : { kind: 'other' };
}

export interface Reading {
  readonly stream: string;
  /** Undefined: AWS itself. */
  readonly endpoint: string | undefined;
  readonly call: string;
}

/** The error a user gets when trying again does not help: what is wrong, and how to mend it. */
export function finalError(error: unknown, reading: Reading): MillraceError {
  const { stream, call } = reading;
  const where = reading.endpoint ?? 'AWS';
  const options = { cause: error, details: { ...reading } };
  const failure = classifyFailure(error);
  switch (failure.kind) {
    case 'notFound':
      return new MillraceError(
        'STREAM_NOT_FOUND',
        `Stream "${stream}" does not exist at ${where}. Check streamName, regionName and the account, or create the stream.`,
        options,
      );
    case 'credentialsMissing':
      return new MillraceError(
        'CREDENTIALS_MISSING',
        'No AWS credentials were found. Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or name a local kinesisEndpoint.',
        options,
      );
    case 'passing':
      return failure.unreachable
        ? new MillraceError(
            'ENDPOINT_UNREACHABLE',
            `Kinesis cannot be reached at ${where}: ${toError(error).message}. Check kinesisEndpoint, regionName and the network.`,
            options,
          )
        : new MillraceError(
            'SOURCE_FAILED',
            `${call} on stream "${stream}" keeps failing: ${toError(error).message}.`,
            options,
          );
    case 'denied':
      return new MillraceError(
        'SOURCE_FAILED',
        `AWS refuses ${call} on stream "${stream}": ${toError(error).message}. Check the credentials, and that their policy allows kinesis:${call}.`,
        options,
      );
    case 'iteratorExpired':
    case 'listingExpired':
    case 'invalidArgument':
    case 'other':
      return new MillraceError(
        'SOURCE_FAILED',
        `${call} on stream "${stream}" failed: ${toError(error).message}.`,
        options,
      );
    default:
      return failure satisfies never;
  }
}

/** What an error of an AWS client says about itself; empty or 0 where it does not. */
export function factsOf(error: unknown): { readonly name: string; readonly code: string; readonly status: number } {
  if (!(error instanceof Error)) return { name: '', code: '', status: 0 };
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  const metadata: unknown = '$metadata' in error ? error.$metadata : undefined;
  const status =
    typeof metadata === 'object' && metadata !== null && 'httpStatusCode' in metadata
      ? Number(metadata.httpStatusCode ?? 0)
      : 0;
  return { name: error.name, code, status };
}
