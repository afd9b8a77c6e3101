import { expect, it } from 'vitest';
import { coordinationError, unanswered } from './coordination-errors.js';

const made = { call: 'Scan', table: 'order-mailer', endpoint: undefined };
const named = (name: string, message: string, rest: object = {}): Error =>
  Object.assign(new Error(message), { name, ...rest });

it.each<[string, unknown, string, string]>([
  ['no credentials', named('CredentialsProviderError', 'none'), 'CREDENTIALS_MISSING', 'AWS_PROFILE'],
  [
    'a refusal, with the permission that is missing',
    named('AccessDeniedException', 'Not authorized.'),
    'ACCESS_DENIED',
    'AWS refuses Scan on table "order-mailer": Not authorized. Check the credentials, and that their policy allows dynamodb:Scan on it',
  ],
  [
    'no connection',
    named('Error', 'connect ECONNREFUSED', { code: 'ECONNREFUSED' }),
    'ENDPOINT_UNREACHABLE',
    'Check dynamoDBEndpoint',
  ],
  ['throttling', named('ThrottlingException', 'Rate exceeded'), 'COORDINATION_FAILED', 'keeps being put off'],
  ['anything else', named('ValidationException', 'Wrong key'), 'COORDINATION_FAILED', 'at AWS failed: Wrong key.'],
])('says what is wrong and how to mend it: %s', (_what, error, code, text) => {
  const said = coordinationError(error, made);
  expect({ code: said.code, message: said.message }).toEqual({ code, message: expect.stringContaining(text) });
  expect(said.cause).toBe(error);
});

it('names the endpoint that does not answer', () => {
  expect(unanswered({ ...made, endpoint: 'http://127.0.0.1:8000' }, 5_000).message).toMatch(
    /^DynamoDB at http:\/\/127\.0\.0\.1:8000 has not answered Scan .* within 5 s\./,
  );
});
