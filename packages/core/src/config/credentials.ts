/**
 * Credentials providers by name. Files made for KCL 1 and 2 name classes of the AWS SDK for Java 1, which the daemon of KCL 3
 * skips without a word until no provider is left: they are translated.
 */
import type { Findings } from './issues.js';

const SUCCESSORS: ReadonlyMap<string, string> = new Map([
  ['DefaultAWSCredentialsProviderChain', 'DefaultCredentialsProvider'],
  ['SystemPropertiesCredentialsProvider', 'SystemPropertyCredentialsProvider'],
  ['EC2ContainerCredentialsProviderWrapper', 'ContainerCredentialsProvider,InstanceProfileCredentialsProvider'],
  ['WebIdentityTokenCredentialsProvider', 'WebIdentityTokenFileCredentialsProvider'],
  ['STSAssumeRoleSessionCredentialsProvider', 'StsAssumeRoleCredentialsProvider'],
]);

/** Names that both SDKs have; the old package in front of them is taken off. */
const UNCHANGED: ReadonlySet<string> = new Set([
  'EnvironmentVariableCredentialsProvider',
  'ProfileCredentialsProvider',
  'InstanceProfileCredentialsProvider',
  'ContainerCredentialsProvider',
  'AnonymousCredentialsProvider',
]);

const IMPOSSIBLE: ReadonlyMap<string, string> = new Map([
  ['StaticCredentialsProvider', 'would need the secret in the file'],
  ['AWSStaticCredentialsProvider', 'would need the secret in the file'],
  ['BasicAWSCredentials', 'would need the secret in the file'],
  ['AwsBasicCredentials', 'would need the secret in the file'],
  ['PropertiesFileCredentialsProvider', 'is gone from the AWS SDK for Java 2'],
  ['ClasspathPropertiesFileCredentialsProvider', 'is gone from the AWS SDK for Java 2'],
  ['AWSCredentialsProviderChain', 'is built by naming several providers, separated by commas'],
  ['AwsCredentialsProviderChain', 'is built by naming several providers, separated by commas'],
]);

const SDK_1_PACKAGE = 'com.amazonaws.';

export interface CredentialsContext {
  readonly property: string;
  readonly source: string;
  /** The region that assume-role providers get, because the daemon gives its own region to its three clients only. */
  readonly regionName: string | undefined;
  readonly findings: Findings;
}

/** The value with every provider under the name it has in KCL 3. */
export function translateCredentials(value: string, context: CredentialsContext): string {
  return value
    .split(',')
    .map((provider) => provider.trim())
    .filter((provider) => provider !== '')
    .map((provider) => translateProvider(provider, context))
    .join(',');
}

function translateProvider(provider: string, context: CredentialsContext): string {
  const [given = '', ...rest] = provider.split('|');
  const old = given.startsWith(SDK_1_PACKAGE);
  const simple = old ? given.slice(given.lastIndexOf('.') + 1) : given;
  const successor = SUCCESSORS.get(simple) ?? (UNCHANGED.has(simple) ? simple : undefined);
  const impossible =
    IMPOSSIBLE.get(simple) ?? (old && successor === undefined ? 'is a class of the AWS SDK for Java 1' : undefined);
  if (impossible !== undefined) return refuseProvider(given, impossible, context);
  if (successor !== undefined && successor !== given) {
    context.findings.notice(
      'CREDENTIALS_TRANSLATED',
      `${context.property}: ${given} (${context.source}) belongs to the AWS SDK for Java 1; ${successor} takes its place. Write that.`,
    );
  }
  const name = successor ?? given;
  return [name, ...(isAssumeRole(name) ? assumeRoleArguments(name, rest, context) : rest)].join('|');
}

function refuseProvider(given: string, why: string, context: CredentialsContext): string {
  context.findings.issue(
    'BAD_CREDENTIALS_PROVIDER',
    context.property,
    `${context.property}: ${given} (${context.source}) ${why}. Write DefaultCredentialsProvider, which finds credentials in the environment, the profile, the container and the instance.`,
  );
  return given;
}

function isAssumeRole(name: string): boolean {
  return name.endsWith('StsAssumeRoleCredentialsProvider');
}

/** Without a region the daemon says no more than that it has no credentials. */
function assumeRoleArguments(name: string, args: readonly string[], context: CredentialsContext): readonly string[] {
  const [role = '', session = ''] = args;
  if (!role.startsWith('arn:') || session === '' || session.includes('=')) {
    context.findings.issue(
      'BAD_CREDENTIALS_PROVIDER',
      context.property,
      `${context.property}: ${name} (${context.source}) needs a role and a session name. Write ${name}|arn:aws:iam::<account>:role/<role>|<session name>.`,
    );
    return args;
  }
  const regional = args.some((arg) => arg.startsWith('endpointRegion=') || arg.startsWith('endpoint='));
  if (regional || context.regionName === undefined) return args;
  context.findings.notice(
    'STS_REGION_ADDED',
    `${context.property}: ${name} has no region of its own, so endpointRegion=${context.regionName} was added from regionName.`,
  );
  return [...args, `endpointRegion=${context.regionName}`];
}
