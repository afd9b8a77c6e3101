/**
 * SQS and S3 on this machine: moto from PyPI, a server that keeps what real ones keep: message limits, visibility, FIFO
 * groups. Installed once, into node_modules/.cache, with the pip of the Python that is here.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { CreateQueueCommand, SQSClient } from '@aws-sdk/client-sqs';
import { startEmulatorProcess, type EmulatorProcess } from '../../src/local/emulator-process.js';

const run = promisify(execFile);

const VERSION = '5.2.5';
const CACHE = fileURLToPath(new URL('../../../../node_modules/.cache', import.meta.url));
const INSTALL_TIMEOUT_MS = 240_000;
/** For `beforeAll`: a first installation takes half a minute. */
export const MOTO_START_TIMEOUT_MS = INSTALL_TIMEOUT_MS + 30_000;

/** It leaves when we do: its standard input ends with us. */
const SERVER = `
import os, sys, threading
threading.Thread(target=lambda: (sys.stdin.buffer.read(), os._exit(0)), daemon=True).start()
from moto.server import main
main(["-H", "127.0.0.1", "-p", sys.argv[1]])
`;

export interface Moto extends EmulatorProcess {
  readonly sqs: SQSClient;
  readonly s3: S3Client;
  createQueue(name: string, attributes?: Readonly<Record<string, string>>): Promise<string>;
  createBucket(name: string): Promise<string>;
}

/** Rejects, with what to install, where there is no Python with pip. */
export async function startMoto(): Promise<Moto> {
  const packages = await installed();
  const server = await startEmulatorProcess(([port]) => ({
    name: 'moto, the SQS and S3 of these tests',
    command: 'python3',
    args: ['-c', SERVER, String(port)],
    env: { ...process.env, PYTHONPATH: packages },
    port,
    answers: (endpoint) =>
      fetch(`${endpoint}/moto-api/data.json`).then(
        ({ ok }) => ok,
        () => false,
      ),
  }));
  const connection = {
    endpoint: server.endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'AKIALOCAL', secretAccessKey: 'local' },
  };
  const sqs = new SQSClient({ ...connection, useQueueUrlAsEndpoint: false });
  const s3 = new S3Client({ ...connection, forcePathStyle: true });
  return {
    ...server,
    sqs,
    s3,
    async createQueue(QueueName, Attributes = {}) {
      return (await sqs.send(new CreateQueueCommand({ QueueName, Attributes }))).QueueUrl ?? '';
    },
    async createBucket(Bucket) {
      await s3.send(new CreateBucketCommand({ Bucket }));
      return Bucket;
    },
    async stop() {
      sqs.destroy();
      s3.destroy();
      await server.stop();
    },
  };
}

/** The folder of its packages. Several suites may install at once: the first to finish counts. */
async function installed(): Promise<string> {
  const python = await pythonVersion();
  const folder = join(CACHE, `moto-${VERSION}-python-${python}`);
  if (existsSync(folder)) return folder;
  await mkdir(CACHE, { recursive: true });
  const making = await mkdtemp(join(CACHE, 'moto-'));
  try {
    const args = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--target', making];
    await run('python3', [...args, `moto[server]==${VERSION}`], { timeout: INSTALL_TIMEOUT_MS });
    await rename(making, folder).catch((error: unknown) => {
      if (!existsSync(folder)) throw error;
    });
  } catch (cause) {
    throw new Error('moto could not be installed from PyPI with `python3 -m pip`; these tests need it.', { cause });
  } finally {
    await rm(making, { recursive: true, force: true });
  }
  return folder;
}

async function pythonVersion(): Promise<string> {
  try {
    const print =
      'import sys, sysconfig, pip; print(f"{sys.version_info[0]}.{sys.version_info[1]}-{sysconfig.get_platform()}")';
    return (await run('python3', ['-c', print])).stdout.trim();
  } catch (cause) {
    throw new Error(
      'These tests need Python 3 with pip for moto, the SQS and S3 that they run against: install python3 and python3-pip.',
      { cause },
    );
  }
}
