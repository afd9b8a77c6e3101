// Counts which jars the daemon loads classes from, in the ways of running it that Millrace supports.
//
//   node scripts/loaded-jars.mjs <folder of jars> [scenario...]    writes scripts/jars/loaded.json
//   node scripts/loaded-jars.mjs --check <folder of jars>          only runs the scenarios: does a trimmed set suffice?
//   node --import @oxc-node/core/register scripts/loaded-jars.mjs --classes <folder of jars>
//       writes the list of classes that `millrace jars archive` archives, of the scenarios that most workers are like;
//       needs Java 17, whose lists later releases read
//
// The folder is what `node scripts/lock-jars.mjs --keep <folder>` leaves, or a folder of `millrace jars fetch`.
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import { aggregate } from './jars/aggregate.mjs';
import { ssoToken, startDynamo, startKinesis, startServices } from './jars/emulators.mjs';

const fromCore = createRequire(new URL('../packages/core/package.json', import.meta.url));
const { KinesisClient, MergeShardsCommand, PutRecordsCommand, SplitShardCommand } = fromCore('@aws-sdk/client-kinesis');
const { NodeHttpHandler } = fromCore('@smithy/node-http-handler');

const STREAM = 'orders';
const OUTPUT = new URL('jars/loaded.json', import.meta.url);
const CLASSES = new URL('../packages/core/assets/classes-kcl-3.1.3.txt.gz', import.meta.url);
const LISTED = ['polling', 'fan-out, assumed role, web identity'];
const CHILD = fileURLToPath(new URL('jars/child.mjs', import.meta.url));
const HALF = '85070591730234615865843651857942052864';
const STATIC = { AWS_ACCESS_KEY_ID: 'AKIAFAKE', AWS_SECRET_ACCESS_KEY: 'x' };

/** Each is one life of a daemon on an application of its own. */
const SCENARIOS = {
  polling: {
    properties: {
      AwsCredentialsProvider: 'DefaultCredentialsProvider',
      retrievalMode: 'POLLING',
      metricsLevel: 'DETAILED',
      metricsBufferTimeMillis: '1000',
    },
    env: () => STATIC,
    reshard: true,
  },
  'fan-out, assumed role, web identity': {
    properties: ({ services }) => ({
      AwsCredentialsProvider: `StsAssumeRoleCredentialsProvider|arn:aws:iam::123456789012:role/a|session|endpoint=${services}^us-east-1`,
      AwsCredentialsProviderDynamoDB: 'WebIdentityTokenFileCredentialsProvider',
      AwsCredentialsProviderCloudWatch:
        'StsAssumeRoleCredentialsProvider|arn:aws:iam::123456789012:role/a|session|externalId=x|endpointRegion=us-east-1',
      retrievalMode: 'FANOUT',
      metricsLevel: 'SUMMARY',
      metricsBufferTimeMillis: '1000',
    }),
    env: ({ services, home }) => ({
      ...STATIC,
      AWS_ENDPOINT_URL_STS: services,
      AWS_ROLE_ARN: 'arn:aws:iam::123456789012:role/b',
      AWS_WEB_IDENTITY_TOKEN_FILE: join(home, 'token'),
      // The emulator's events are JSON whatever was asked for.
      CBOR_ENABLED: 'false',
    }),
    reshard: false,
  },
  'single sign-on, instance, container': {
    properties: {
      AwsCredentialsProvider: 'ProfileCredentialsProvider',
      AwsCredentialsProviderDynamoDB: 'InstanceProfileCredentialsProvider',
      AwsCredentialsProviderCloudWatch: 'ContainerCredentialsProvider',
      retrievalMode: 'POLLING',
      metricsLevel: 'SUMMARY',
      metricsBufferTimeMillis: '1000',
      disableWorkerMetrics: 'true',
    },
    env: ({ services }) => ({
      AWS_ENDPOINT_URL_SSO: services,
      AWS_ENDPOINT_URL_SSO_OIDC: services,
      AWS_EC2_METADATA_SERVICE_ENDPOINT: services,
      AWS_CONTAINER_CREDENTIALS_FULL_URI: `${services}/container`,
    }),
    reshard: false,
  },
  'credential process': {
    properties: {
      AwsCredentialsProvider: 'ProfileCredentialsProvider|process',
      retrievalMode: 'POLLING',
      metricsLevel: 'NONE',
      disableWorkerMetrics: 'true',
    },
    env: () => ({}),
    reshard: false,
  },
};

const { values, positionals } = parseArgs({
  options: { check: { type: 'boolean' }, classes: { type: 'boolean' } },
  allowPositionals: true,
});
const [folder, ...named] = positionals;
const chosen = values.classes ? LISTED : named;
const classes = new Set();
const ours = values.classes ? await import('../packages/core/src/daemon/logback.ts') : undefined;
if (folder === undefined) throw new Error('Give the folder with the jars.');
const jars = readdirSync(folder)
  .filter((name) => name.endsWith('.jar'))
  .sort();
const loaded = values.check || values.classes ? {} : { ...readLoaded() };
for (const [name, scenario] of Object.entries(SCENARIOS)) {
  if (chosen.length > 0 && !chosen.includes(name)) continue;
  const used = await runDaemon(scenario);
  console.log(`${name}: classes from ${used.length} of ${jars.length} jars`);
  loaded[name] = used;
  if (!values.check && !values.classes) writeFileSync(OUTPUT, `${JSON.stringify(loaded, null, 2)}\n`);
}
if (values.classes) {
  const text = [...classes].toSorted((a, b) => (a < b ? -1 : 1)).map((line) => `${line}\n`);
  writeFileSync(CLASSES, gzipSync(text.join(''), { level: 9 }));
  console.log(`${classes.size} lines of classes`);
}
process.exit(0);

function readLoaded() {
  try {
    return JSON.parse(readFileSync(OUTPUT, 'utf8'));
  } catch {
    return {};
  }
}

async function runDaemon(scenario) {
  const home = mkdtempSync(join(tmpdir(), 'loaded-jars-'));
  const [kinesis, dynamo, services] = await Promise.all([startKinesis(STREAM), startDynamo(), startServices()]);
  const places = { services: services.endpoint, home };
  writeHome(places);
  const daemon = startJava(scenario, { ...places, kinesis: kinesis.endpoint, dynamo: dynamo.endpoint });
  try {
    await drive({ daemon, notes: join(home, 'notes'), kinesis, reshard: scenario.reshard });
    if (values.classes) {
      const lines = readFileSync(join(home, 'classes'), 'utf8').split('\n');
      for (const line of lines) if (line !== '' && !line.startsWith('#')) classes.add(line);
    }
    console.log(`  other services asked: ${[...services.seen].toSorted((a, b) => a.localeCompare(b)).join(', ')}`);
    return jars.filter((jar) => daemon.sources.has(jar)).map((jar) => jar.replace(/\.jar$/, ''));
  } catch (error) {
    console.error(
      daemon.log
        .filter((line) => !/^\s+(at |\.\.\. )/.test(line))
        .slice(-80)
        .join('\n'),
    );
    throw error;
  } finally {
    daemon.child.kill('SIGKILL');
    await Promise.all([kinesis.stop(), dynamo.stop(), services.stop()]);
    rmSync(home, { recursive: true, force: true });
  }
}

async function drive({ daemon, notes, kinesis, reshard }) {
  const client = new KinesisClient({
    endpoint: kinesis.endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'AKIAFAKE', secretAccessKey: 'x' },
    requestHandler: new NodeHttpHandler(),
  });
  const put = () => client.send(new PutRecordsCommand({ StreamName: STREAM, Records: someRecords() }));
  await put();
  const count = (pattern) => readNotes(notes).filter((line) => pattern.test(line)).length;
  // Each put is 10 records and one aggregate of 3.
  const handled = () => readNotes(notes).reduce((sum, line) => sum + Number(/^records (\d+)/.exec(line)?.[1] ?? 0), 0);
  await until(() => handled() >= 13, 'the first records', daemon);
  let expected = 13;
  if (reshard) {
    const shard = 'shardId-000000000000';
    await client.send(
      new SplitShardCommand({ StreamName: STREAM, ShardToSplit: shard, NewStartingHashKey: `${BigInt(HALF) / 2n}` }),
    );
    await until(() => count(/^shardEnded/) >= 1, 'the end of the split shard', daemon);
    const [ShardToMerge, AdjacentShardToMerge] = ['shardId-000000000002', 'shardId-000000000003'];
    await sleep(1_000);
    await client.send(new MergeShardsCommand({ StreamName: STREAM, ShardToMerge, AdjacentShardToMerge }));
    await until(() => count(/^shardEnded/) >= 3, 'the ends of the merged shards', daemon);
  }
  await put();
  expected += 13;
  await until(() => handled() >= expected, 'the last records', daemon);
  await sleep(5_000);
  daemon.child.kill('SIGTERM');
  await until(() => daemon.child.exitCode !== null || daemon.child.signalCode !== null, 'the end', daemon);
  const failed = count(/^checkpoint /);
  console.log(`  handled ${handled()}, sessions ${count(/^initialize/)}, failed checkpoints ${failed}`);
}

function startJava(scenario, places) {
  const properties = {
    executableName: `${process.execPath} ${CHILD} ${join(places.home, 'notes')}`,
    streamName: STREAM,
    applicationName: 'loaded-jars',
    workerId: 'worker-1',
    initialPositionInStream: 'TRIM_HORIZON',
    regionName: 'us-east-1',
    kinesisEndpoint: places.kinesis,
    dynamoDBEndpoint: places.dynamo,
    failoverTimeMillis: '2000',
    leaseAssignmentIntervalMillis: '2000',
    shardSyncIntervalMillis: '1',
    idleTimeBetweenReadsInMillis: '250',
    shutdownGraceMillis: '10000',
    callProcessRecordsEvenForEmptyRecordList: 'true',
    ...(typeof scenario.properties === 'function' ? scenario.properties(places) : scenario.properties),
  };
  const file = join(places.home, 'daemon.properties');
  writeFileSync(
    file,
    Object.entries(properties)
      .map(([key, value]) => `${key}=${value}\n`)
      .join(''),
  );
  const classpath = jars.map((jar) => resolve(folder, jar)).join(':');
  const child = spawn(
    'java',
    [
      '-verbose:class',
      ...classFlags(places),
      `-Duser.home=${places.home}`,
      '-Dfile.encoding=UTF-8',
      '-Xmx256m',
      '-cp',
      classpath,
      'software.amazon.kinesis.multilang.MultiLangDaemon',
      '-p',
      file,
    ],
    {
      env: {
        PATH: process.env.PATH,
        AWS_REGION: 'us-east-1',
        AWS_ENDPOINT_URL_CLOUDWATCH: places.services,
        HOME: places.home,
        ...scenario.env(places),
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  const daemon = { child, sources: new Set(), log: [] };
  for (const output of [child.stdout, child.stderr]) readLines(output, (line) => readLine(line, daemon));
  return daemon;
}

function classFlags({ home }) {
  if (ours === undefined) return [];
  const logback = join(home, 'logback.xml');
  writeFileSync(logback, ours.logbackXml(new Map()));
  return [
    `-XX:DumpLoadedClassList=${join(home, 'classes')}`,
    `-Dlogback.configurationFile=${logback}`,
    '-XX:+UseSerialGC',
  ];
}

function readLine(line, { sources, log }) {
  const source = /source: file:.*\/([^/]+\.jar)$/.exec(line)?.[1];
  if (source !== undefined) sources.add(source);
  else if (!line.includes('[class,load]')) log.push(line);
}

function readLines(stream, use) {
  let rest = '';
  stream.setEncoding('utf8').on('data', (text) => {
    const lines = `${rest}${text}`.split('\n');
    rest = lines.pop();
    for (const line of lines) use(line);
  });
}

function writeHome({ home }) {
  const start = 'https://example.awsapps.com/start';
  const session = 'work';
  const token = ssoToken(session, start);
  mkdirSync(join(home, '.aws', 'sso', 'cache'), { recursive: true });
  writeFileSync(join(home, '.aws', 'sso', 'cache', token.file), token.text);
  writeFileSync(join(home, 'token'), 'web-identity-token');
  writeFileSync(join(home, 'keys.json'), '{"Version":1,"AccessKeyId":"AKIAFAKE","SecretAccessKey":"x"}');
  writeFileSync(
    join(home, '.aws', 'config'),
    `[default]\nsso_session = ${session}\nsso_account_id = 123456789012\nsso_role_name = reader\n\n` +
      `[profile process]\ncredential_process = cat ${join(home, 'keys.json')}\n\n` +
      `[sso-session ${session}]\nsso_start_url = ${start}\nsso_region = us-east-1\nsso_registration_scopes = sso:account:access\n`,
  );
}

function someRecords() {
  const plain = Array.from({ length: 10 }, (_, n) => ({ Data: Buffer.from(`record ${n}`), PartitionKey: `key ${n}` }));
  const payloads = ['a', 'b', 'c'].map((text) => Buffer.from(text));
  return [...plain, { Data: aggregate('key', payloads), PartitionKey: 'key' }];
}

function readNotes(file) {
  try {
    return readFileSync(file, 'utf8').trim().split('\n');
  } catch {
    return [];
  }
}

async function until(condition, what, { child }) {
  const startedMs = Date.now();
  while (!condition()) {
    if (Date.now() - startedMs > 150_000) throw new Error(`${what}: waited in vain`);
    if (child.exitCode !== null && what !== 'the end') throw new Error(`${what}: Java ended with ${child.exitCode}`);
    await sleep(100);
  }
  console.log(`  ${what}: ${((Date.now() - startedMs) / 1000).toFixed(1)} s`);
}
