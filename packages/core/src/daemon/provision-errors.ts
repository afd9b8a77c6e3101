/** What a failed call of DynamoDB means for whoever provisions: what is wrong, and how to mend it. Pure. */
import { MillraceError, toError } from '../errors.js';
import { classifyFailure, factsOf } from '../local/kinesis-failure.js';

export interface TableCall {
  readonly call: string;
  readonly table: string;
  /** Undefined: AWS itself. */
  readonly endpoint: string | undefined;
}

export function tableError(error: unknown, made: TableCall): MillraceError {
  const { call, table } = made;
  const where = made.endpoint ?? 'AWS';
  const options = { cause: error, details: { ...made } };
  const why = reasonOf(error);
  const failure = classifyFailure(error);
  switch (failure.kind) {
    case 'credentialsMissing':
      return new MillraceError(
        'CREDENTIALS_MISSING',
        'No AWS credentials were found. Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or name a local dynamoDBEndpoint.',
        options,
      );
    case 'denied':
      return new MillraceError(
        'PROVISION_FAILED',
        `AWS refuses ${call} on table "${table}": ${why}. Check the credentials, and that their policy allows dynamodb:${permissionOf(call)} on it.`,
        options,
      );
    case 'passing':
      if (failure.unreachable)
        return new MillraceError(
          'ENDPOINT_UNREACHABLE',
          `DynamoDB cannot be reached at ${where}: ${why}. Check dynamoDBEndpoint, regionName and the network.`,
          options,
        );
      return new MillraceError(
        'PROVISION_FAILED',
        `${call} on table "${table}" keeps being put off: ${why}. Run the command again in a minute; it goes on where it stopped.`,
        options,
      );
    case 'notFound':
    case 'iteratorExpired':
    case 'listingExpired':
    case 'invalidArgument':
    case 'other':
      return new MillraceError('PROVISION_FAILED', `${call} on table "${table}" at ${where} failed: ${why}.`, options);
    default:
      return failure satisfies never;
  }
}

/** A transaction needs the permission of what it does. */
function permissionOf(call: string): string {
  return call === 'TransactWriteItems' ? 'PutItem' : call;
}

/** Some failures come without a text: a connection that was tried at several addresses, and what is not DynamoDB at all. */
export function reasonOf(error: unknown): string {
  const { message, name } = toError(error);
  const { code, status } = factsOf(error);
  if (message === 'UnknownError' && status !== 0) return `it answered with HTTP status ${status}`;
  return message === '' ? code || name : message.replace(/\.$/, '');
}
