/** A client of Amazon's SDK for the embedded Kinesis, which takes any credentials and speaks HTTP/1.1 best. */
import { KinesisClient } from '@aws-sdk/client-kinesis';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import type { Emulator } from '../../src/local/emulator.js';

export function emulatorClient({ endpoint, region }: Pick<Emulator, 'endpoint' | 'region'>): KinesisClient {
  return new KinesisClient({
    endpoint,
    region,
    credentials: { accessKeyId: 'AKIALOCAL', secretAccessKey: 'local' },
    requestHandler: new NodeHttpHandler(),
  });
}
