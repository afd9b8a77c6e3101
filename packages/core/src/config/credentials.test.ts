import { describe, expect, it } from 'vitest';
import { mistakesOf, resolveScenario, valueOf } from './resolve.fixture.js';

const ROLE = 'arn:aws:iam::123456789012:role/reader|session';

function translated(value: string): { readonly value: string | undefined; readonly notices: readonly string[] } {
  const resolved = resolveScenario({ text: `AWSCredentialsProvider = ${value}\n` });
  return { value: valueOf(resolved, 'AwsCredentialsProvider'), notices: resolved.notices.map(({ code }) => code) };
}

describe('credentials providers of the AWS SDK for Java 1', () => {
  it.each([
    ['DefaultAWSCredentialsProviderChain', 'DefaultCredentialsProvider'],
    ['com.amazonaws.auth.DefaultAWSCredentialsProviderChain', 'DefaultCredentialsProvider'],
    ['SystemPropertiesCredentialsProvider', 'SystemPropertyCredentialsProvider'],
    ['EC2ContainerCredentialsProviderWrapper', 'ContainerCredentialsProvider,InstanceProfileCredentialsProvider'],
    ['WebIdentityTokenCredentialsProvider', 'WebIdentityTokenFileCredentialsProvider'],
    ['com.amazonaws.auth.profile.ProfileCredentialsProvider', 'ProfileCredentialsProvider'],
    [`STSAssumeRoleSessionCredentialsProvider|${ROLE}`, `StsAssumeRoleCredentialsProvider|${ROLE}`],
  ])('%s is translated, with a notice', (given, successor) => {
    expect(translated(given)).toEqual({ value: successor, notices: ['CREDENTIALS_TRANSLATED'] });
  });

  it('are translated one by one in a chain, arguments kept', () => {
    expect(translated('DefaultAWSCredentialsProviderChain, ProfileCredentialsProvider|orders ,').value).toBe(
      'DefaultCredentialsProvider,ProfileCredentialsProvider|orders',
    );
  });

  it('say in the notice what was replaced and where it stands', () => {
    const { notices } = resolveScenario({ text: 'AwsCredentialsProvider=DefaultAWSCredentialsProviderChain' });

    expect(notices[0]?.message).toContain('DefaultAWSCredentialsProviderChain (app.properties:1)');
  });
});

describe('names that stay', () => {
  it.each([
    'DefaultCredentialsProvider',
    'EnvironmentVariableCredentialsProvider',
    'ProfileCredentialsProvider|orders',
    'InstanceProfileCredentialsProvider',
    'ContainerCredentialsProvider',
    'WebIdentityTokenFileCredentialsProvider',
    'org.example.VaultCredentialsProvider|a|b',
  ])('%s', (name) => {
    expect(translated(name)).toEqual({ value: name, notices: [] });
  });
});

describe('providers that cannot be built from a file', () => {
  it.each([
    ['StaticCredentialsProvider', 'would need the secret in the file'],
    ['PropertiesFileCredentialsProvider', 'is gone from the AWS SDK for Java 2'],
    ['AWSCredentialsProviderChain', 'is built by naming several providers'],
    ['com.amazonaws.auth.SomethingElse', 'is a class of the AWS SDK for Java 1'],
    ['StsAssumeRoleCredentialsProvider', 'needs a role and a session name'],
    ['StsAssumeRoleCredentialsProvider|arn:aws:iam::1:role/x', 'needs a role and a session name'],
    ['StsAssumeRoleCredentialsProvider|reader|session', 'needs a role and a session name'],
    ['StsAssumeRoleCredentialsProvider|arn:aws:iam::1:role/x|externalId=5', 'needs a role and a session name'],
  ])('%s', (given, message) => {
    const mistakes = mistakesOf({ declared: { AwsCredentialsProvider: given } });

    expect(mistakes).toHaveLength(1);
    expect(mistakes[0]).toContain('BAD_CREDENTIALS_PROVIDER');
    expect(mistakes[0]).toContain(message);
  });
});

describe('an assumed role', () => {
  it.each([
    [{ regionName: 'eu-west-1' }, `StsAssumeRoleCredentialsProvider|${ROLE}|endpointRegion=eu-west-1`],
    [{ 'kinesisClient.region': 'eu-west-2' }, `StsAssumeRoleCredentialsProvider|${ROLE}|endpointRegion=eu-west-2`],
    [{}, `StsAssumeRoleCredentialsProvider|${ROLE}`],
  ])('gets the region that is known: %j', (declared, value) => {
    const resolved = resolveScenario({
      declared: { ...declared, AwsCredentialsProvider: `StsAssumeRoleCredentialsProvider|${ROLE}` },
    });

    expect(valueOf(resolved, 'AwsCredentialsProvider')).toBe(value);
  });

  it.each(['endpointRegion=us-east-1', 'endpoint=sts.example.com^us-east-1'])('keeps its own region: %s', (own) => {
    const value = `StsAssumeRoleCredentialsProvider|${ROLE}|${own}`;

    expect(
      valueOf(
        resolveScenario({ declared: { regionName: 'eu-west-1', AwsCredentialsProvider: value } }),
        'AwsCredentialsProvider',
      ),
    ).toBe(value);
  });

  it('may be for one service alone', () => {
    const declared = {
      AwsCredentialsProvider: `StsAssumeRoleCredentialsProvider|${ROLE}`,
      AwsCredentialsProviderDynamoDB: 'DefaultAWSCredentialsProviderChain',
    };

    expect(valueOf(resolveScenario({ declared }), 'AwsCredentialsProviderDynamoDB')).toBe('DefaultCredentialsProvider');
  });
});
