/**
 * Whose credentials the daemon uses. We look with the default chain of the AWS SDK for JavaScript, which finds what Java's
 * default chain finds; a provider that the properties name is Java's alone.
 */
import type { ResolvedConsumer } from '../config/resolved.js';
import { propertyOf } from './effective-property.js';

export type AwsService = 'kinesis' | 'dynamoDb';

const DEFAULT_PROVIDER = 'DefaultCredentialsProvider';

/** The daemon's provider of credentials for a service, without its arguments, when it is not the default chain. */
export function ownProvider(consumer: ResolvedConsumer, service: AwsService): string | undefined {
  const general = propertyOf(consumer, 'AwsCredentialsProvider') ?? DEFAULT_PROVIDER;
  const value = service === 'dynamoDb' ? (propertyOf(consumer, 'AwsCredentialsProviderDynamoDB') ?? general) : general;
  return value === DEFAULT_PROVIDER ? undefined : value.split('|')[0];
}
