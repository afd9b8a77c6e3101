/** What a failed call on the tables that workers coordinate in means for a supervisor: what is wrong, and how to mend it. Pure. */
import { MillraceError } from '../errors.js';
import { classifyFailure } from '../local/kinesis-failure.js';
import { reasonOf, tableError, type TableCall } from './provision-errors.js';

export function coordinationError(error: unknown, made: TableCall): MillraceError {
  const { call, table } = made;
  const options = { cause: error, details: { ...made } };
  const why = reasonOf(error);
  const failure = classifyFailure(error);
  switch (failure.kind) {
    case 'credentialsMissing':
      return tableError(error, made);
    case 'denied':
      return new MillraceError(
        'ACCESS_DENIED',
        `AWS refuses ${call} on table "${table}": ${why}. Check the credentials, and that their policy allows dynamodb:${call} on it; millrace iam prints the whole policy.`,
        options,
      );
    case 'passing':
      if (failure.unreachable) return tableError(error, made);
      return new MillraceError(
        'COORDINATION_FAILED',
        `${call} on table "${table}" keeps being put off: ${why}. It passes by itself unless the table's capacity is too small.`,
        options,
      );
    case 'notFound':
    case 'iteratorExpired':
    case 'listingExpired':
    case 'invalidArgument':
    case 'other':
      return new MillraceError(
        'COORDINATION_FAILED',
        `${call} on table "${table}" at ${made.endpoint ?? 'AWS'} failed: ${why}.`,
        options,
      );
    default:
      return failure satisfies never;
  }
}

export function unanswered({ call, table, endpoint }: TableCall, limitMs: number): MillraceError {
  return new MillraceError(
    'ENDPOINT_UNREACHABLE',
    `DynamoDB at ${endpoint ?? 'AWS'} has not answered ${call} on table "${table}" within ${limitMs / 1000} s. Check dynamoDBEndpoint, regionName and the network.`,
    { details: { call, table, endpoint, limitMs } },
  );
}
