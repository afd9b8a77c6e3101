import { describe, expect, it } from 'vitest';
import { mistakesOf } from './resolve.fixture.js';
import { findSecret } from './secrets.js';

describe('what looks like a secret', () => {
  it.each([
    ['AKIAIOSFODNN7EXAMPLE', 'an AWS access key'],
    ['StaticCredentialsProvider|ASIAIOSFODNN7EXAMPLE|x', 'an AWS access key'],
    ['wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY', 'a secret key'],
    ['x|je7MtGbClwBF/2Zp9Utk/h3yCo8nvbEXAMPLEKEY|y', 'a secret key'],
    ['aws_secret_access_key', 'AWS credentials'],
    ['awsSessionToken', 'AWS credentials'],
    ['password=hunter2', 'a named secret'],
    ['mode,db_password = x', 'a named secret'],
    ['aws_secret', 'AWS credentials'],
    ['http://user:pass@localhost:4567', 'a password in a URL'],
    ['-----BEGIN RSA PRIVATE KEY-----', 'a private key'],
  ])('%s is %s', (value, what) => {
    expect(findSecret(value)).toBe(what);
  });

  it.each([
    'DefaultCredentialsProvider',
    'StsAssumeRoleCredentialsProvider|arn:aws:iam::123456789012:role/orders-reader|session-1|externalId=orders',
    'software.amazon.awssdk.auth.credentials.WebIdentityTokenFileCredentialsProvider',
    'com.amazonaws.auth.STSAssumeRoleWithWebIdentitySessionCredentialsProvider',
    '/home/App1/projects/orders/current/bin/Relay/Start2/everything',
    'node /srv/orders/dist/main.js --verbose',
    'http://localhost:4566/path:8080@x',
    'ip-10-0-0-1.eu-central-1.compute.internal-0123456789',
    '123e4567-e89b-12d3-a456-426614174000',
    'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    'orders-CoordinatorState',
    'org.example.AwsSecretsManagerCredentialsProvider|arn:aws:secretsmanager:eu-west-1:123456789012:secret:orders',
    'a'.repeat(5000),
  ])('%s is none', (value) => {
    expect(findSecret(value)).toBeUndefined();
  });

  it('answers at once for long input', () => {
    const started = performance.now();
    for (const piece of ['a', '://', 'secret', '=', ' ', 'Aa1', ':']) findSecret(piece.repeat(100_000 / piece.length));

    expect(performance.now() - started).toBeLessThan(500);
  });
});

describe('a secret in a value', () => {
  it('is refused with what it seems to be and what to do', () => {
    expect(mistakesOf({ env: { MILLRACE_KINESIS_ENDPOINT: 'https://me:hunter2@localhost' } })).toEqual([
      'SECRET_IN_VALUE kinesisEndpoint (MILLRACE_KINESIS_ENDPOINT) seems to hold a password in a URL, and the daemon logs every value it reads. Take it out and let a credentials provider find it (AwsCredentialsProvider).',
    ]);
  });
});
