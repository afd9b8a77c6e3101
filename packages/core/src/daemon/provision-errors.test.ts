import { describe, expect, it } from 'vitest';
import { tableError } from './provision-errors.js';

const made = { call: 'CreateTable', table: 'order-mailer', endpoint: undefined };
const named = (name: string, message: string, rest: object = {}): Error =>
  Object.assign(new Error(message), { name, ...rest });

describe('a failed call of DynamoDB', () => {
  it.each<[string, unknown, string, string]>([
    ['no credentials', named('CredentialsProviderError', 'none'), 'CREDENTIALS_MISSING', 'AWS_PROFILE'],
    [
      'a refusal',
      named('AccessDeniedException', 'User is not authorized.'),
      'PROVISION_FAILED',
      'AWS refuses CreateTable on table "order-mailer": User is not authorized. Check the credentials, and that their policy allows dynamodb:CreateTable',
    ],
    [
      'no connection',
      named('Error', 'connect ECONNREFUSED 127.0.0.1:1', { code: 'ECONNREFUSED' }),
      'ENDPOINT_UNREACHABLE',
      'DynamoDB cannot be reached at AWS: connect ECONNREFUSED 127.0.0.1:1. Check dynamoDBEndpoint',
    ],
    [
      'no connection at any address, which comes without a text',
      named('AggregateError', '', { code: 'ECONNREFUSED' }),
      'ENDPOINT_UNREACHABLE',
      'at AWS: ECONNREFUSED.',
    ],
    [
      'throttling',
      named('ThrottlingException', 'Rate exceeded'),
      'PROVISION_FAILED',
      'Run the command again in a minute',
    ],
    [
      'something that is not DynamoDB',
      named('UnknownError', 'UnknownError', { $metadata: { httpStatusCode: 404 } }),
      'PROVISION_FAILED',
      'it answered with HTTP status 404',
    ],
    [
      'anything else',
      named('ValidationException', 'Too long'),
      'PROVISION_FAILED',
      'CreateTable on table "order-mailer" at AWS failed: Too long.',
    ],
  ])('%s', (_, error, code, message) => {
    expect(tableError(error, made)).toMatchObject({ code, message: expect.stringContaining(message), cause: error });
  });

  it('names the permission that a transaction needs', () => {
    const error = tableError(named('AccessDeniedException', 'no'), { ...made, call: 'TransactWriteItems' });
    expect(error.message).toContain('dynamodb:PutItem');
  });
});
