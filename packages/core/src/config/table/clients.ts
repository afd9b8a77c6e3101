import { builder, credentials, propertyGroup, uri } from '../property-spec.js';

export const CLIENTS = propertyGroup('clients', [
  {
    name: 'AwsCredentialsProvider',
    type: credentials,
    ours: 'DefaultCredentialsProvider',
    effect: 'Where the credentials come from: provider names of the AWS SDK for Java 2, each with its arguments.',
    aliases: ['AWSCredentialsProvider', 'awsCredentialsProvider'],
    sensitivity: 'credentials',
  },
  {
    name: 'AwsCredentialsProviderDynamoDB',
    type: credentials,
    kcl: 'as AwsCredentialsProvider',
    effect: 'The same for DynamoDB alone, for a stream in another account.',
    aliases: ['AWSCredentialsProviderDynamoDB', 'awsCredentialsProviderDynamoDB'],
    sensitivity: 'credentials',
  },
  {
    name: 'AwsCredentialsProviderCloudWatch',
    type: credentials,
    kcl: 'as AwsCredentialsProvider',
    effect: 'The same for CloudWatch alone.',
    aliases: ['AWSCredentialsProviderCloudWatch', 'awsCredentialsProviderCloudWatch'],
    sensitivity: 'credentials',
  },
  {
    name: 'regionName',
    type: { kind: 'region' },
    kcl: 'the region chain of the AWS SDK',
    effect: 'The region of all three clients: Kinesis, DynamoDB and CloudWatch.',
  },
  {
    name: 'kinesisEndpoint',
    type: uri,
    kcl: 'AWS',
    effect: 'Another endpoint for Kinesis.',
    sensitivity: 'identifies',
  },
  {
    name: 'dynamoDBEndpoint',
    type: uri,
    kcl: 'AWS',
    effect: 'Another endpoint for DynamoDB.',
    sensitivity: 'identifies',
  },
  {
    name: 'kinesisClient.*',
    type: builder,
    effect: 'Any method of the Kinesis client builder that takes one argument, for example `kinesisClient.region`.',
    sensitivity: 'identifies',
  },
  {
    name: 'dynamoDbClient.*',
    type: builder,
    effect: 'The same for the DynamoDB client.',
    sensitivity: 'identifies',
  },
  {
    name: 'cloudWatchClient.*',
    type: builder,
    effect: 'The same for the CloudWatch client; `cloudWatchClient.endpointOverride` is its only endpoint setting.',
    sensitivity: 'identifies',
  },
  {
    name: 'kinesisCredentialsProvider.*',
    type: builder,
    effect:
      'The builder form of AwsCredentialsProvider: `kinesisCredentialsProvider.class` and the methods of its builder.',
    sensitivity: 'credentials',
  },
  {
    name: 'dynamoDBCredentialsProvider.*',
    type: builder,
    effect: 'The builder form of AwsCredentialsProviderDynamoDB.',
    sensitivity: 'credentials',
  },
  {
    name: 'cloudWatchCredentialsProvider.*',
    type: builder,
    effect: 'The builder form of AwsCredentialsProviderCloudWatch.',
    sensitivity: 'credentials',
  },
]);
