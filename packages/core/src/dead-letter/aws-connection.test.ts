import { describe, expect, it } from 'vitest';
import { awsFailure, clientOptions, loadClient, type AwsCall } from './aws-connection.js';

describe('an optional client', () => {
  it('that is not installed is named, with the command that installs it', async () => {
    const loading = loadClient('@aws-sdk/client-sqs', () => Promise.reject(new Error('Cannot find package')));
    await expect(loading).rejects.toMatchObject({
      code: 'DEPENDENCY_MISSING',
      message: expect.stringContaining('npm install @aws-sdk/client-sqs') as string,
    });
  });
});

describe('a connection', () => {
  it('to an emulator on this machine needs no credentials and no region', async () => {
    const options = await clientOptions({ endpoint: 'http://127.0.0.1:4566', region: undefined });
    expect(options).toMatchObject({
      endpoint: 'http://127.0.0.1:4566',
      credentials: { accessKeyId: expect.anything() as string },
    });
  });

  it('to AWS leaves credentials to the SDK', async () => {
    const options = await clientOptions({ endpoint: undefined, region: 'eu-west-1' });
    expect(options).toMatchObject({ region: 'eu-west-1' });
    expect(options).not.toHaveProperty('credentials');
  });
});

describe('an error of AWS', () => {
  const call: AwsCall = { what: 'bucket b', option: 'bucket', endpoint: undefined, permissions: ['s3:PutObject'] };
  const failure = (name: string, status: number, message = 'why') =>
    awsFailure(Object.assign(new Error(message), { name, $metadata: { httpStatusCode: status } }), call).message;

  it.each([
    ['NoSuchBucket', 404, 'does not exist at AWS. Check bucket'],
    ['QueueDoesNotExist', 400, 'does not exist at AWS'],
    ['PermanentRedirect', 301, 'is in another region'],
    ['403', 403, 'policy allows s3:PutObject'],
    ['KMS.AccessDeniedException', 400, 'policy allows s3:PutObject'],
    ['CredentialsProviderError', 0, 'Set AWS_PROFILE'],
    ['TimeoutError', 0, 'cannot be reached at AWS: why'],
    ['SlowDown', 503, 'did not take the call: SlowDown: why'],
  ])('%s (%i) says what to do', (name, status, text) => {
    expect(failure(name, status)).toContain(text);
  });

  it('about a region says which option sets it', () => {
    expect(failure('Error', 0, 'Region is missing')).toContain('Give the sink a region');
  });
});
