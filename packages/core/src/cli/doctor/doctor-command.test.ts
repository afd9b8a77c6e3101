import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ManualClock } from '../../../test/support/manual-clock.js';
import { leaseOf } from '../../daemon/coordination.fixture.js';
import type { PreflightApi } from '../../daemon/preflight-facts.js';
import { MillraceError, type ErrorCode } from '../../errors.js';
import { systemClock } from '../../process-ports.js';
import type { DoctorPorts } from './check.js';
import { examine } from './doctor-command.js';

let cwd: string;
beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'doctor-'));
  const core = fileURLToPath(new URL('../../index.ts', import.meta.url));
  const consumer = (name: string, options = ''): string =>
    `export const ${name} = defineConsumer({ name: '${name}', stream: 'orders', applicationName: '${name}', create: () => ({}), handlers: [recordHandler({ name: 'all', handle: () => undefined })]${options} });\n`;
  const imports = `import { defineConsumer, recordHandler } from ${JSON.stringify(core)};\n`;
  await writeFile(join(cwd, 'one.mjs'), `${imports}${consumer('mailer')}`);
  await writeFile(join(cwd, 'two.mjs'), `${imports}${consumer('mailer')}${consumer('ledger')}`);
});
afterAll(() => rm(cwd, { recursive: true }));

const forever = () => new Promise<never>(() => undefined);
const failing = (code: ErrorCode, text: string) => async () => {
  throw new MillraceError(code, text);
};

const api: PreflightApi = {
  credentials: async () => undefined,
  describeStream: async () => ({ status: 'ACTIVE', retentionMs: 86_400_000, openShards: 1 }),
  listShards: async () => [{ shardId: 'a', closed: false, startingSequenceNumber: '1' }],
  describeTable: async () => undefined,
  leases: async () => [],
  close: () => undefined,
};

const healthy: DoctorPorts = {
  clock: systemClock,
  nodeVersion: 'v22.12.0',
  findJava: async () => ({ path: '/usr/bin/java', version: 17, build: 'Temurin 17.0.15', from: 'PATH' }),
  verifyJars: async () => ({ list: 'kcl-3.1.3', jars: 73, folder: '/jars' }),
  attachSelfTest: async () => ({ ok: true }),
  callerIdentity: async () => ({ kind: 'known', account: '123456789012', arn: 'arn:aws:iam::1:user/me', skewMs: 0 }),
  openPreflight: async () => api,
};

interface Visit {
  readonly ports?: Partial<DoctorPorts>;
  readonly aws?: Partial<PreflightApi>;
  readonly module?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly json?: boolean;
}

async function visit({ ports = {}, aws = {}, module = 'one.mjs', env = {}, json = false }: Visit = {}) {
  let out = '';
  const terminal = { out: (text: string) => void (out += text), err: () => undefined, env, cwd, command: 'millrace' };
  const request = { module, cwd, consumer: undefined, propertiesFile: undefined, stopTimeoutSeconds: 30, json };
  const openPreflight = async (): Promise<PreflightApi> => ({ ...api, ...aws });
  const exitCode = await examine(request, terminal, { ...healthy, openPreflight, ...ports });
  return { exitCode, out };
}

describe('a set-up without mistakes', () => {
  it('is told line by line, with exit code 0', async () => {
    const { exitCode, out } = await visit();
    expect(out).toBe(`this machine
  ok       Node.js      v22.12.0
  ok       Java         17 (Temurin 17.0.15) at /usr/bin/java, found by PATH
  ok       jars         kcl-3.1.3: 73 jars in /jars, each as it is on the list
  ok       pipes        one process serves all shards: the pipes of another can be taken over

mailer
  ok       properties   12, of which 2 given by you
  ok       credentials  arn:aws:iam::1:user/me, account 123456789012
  ok       stream       orders: 1 open shard, keeps records for 24 h
  ok       tables       mailer is missing, mailer-CoordinatorState is missing, mailer-WorkerMetricStats is missing; the daemon creates what is missing, if it may
  ok       leases       The application "mailer" is new: it has no lease table yet. Its first start takes 25 to 40 s until the first record; \`millrace provision --leases\` before it makes that seconds.
  ok       clock        as at AWS
  ok       stopping     shutdownGraceMillis is 25000, and the platform kills after 30 s (--stop-timeout)

Everything is as it should be.
`);
    expect(exitCode).toBe(0);
  });

  it('is told for every consumer', async () => {
    const { out } = await visit({ module: 'two.mjs' });
    expect(out.match(/^\w.*$/gm)).toEqual(['this machine', 'mailer', 'ledger', 'Everything is as it should be.']);
  });

  it('is told to programs', async () => {
    const { out } = await visit({ json: true });
    expect(JSON.parse(out)).toEqual([
      { application: null, checks: expect.arrayContaining([expect.objectContaining({ name: 'Java', mend: null })]) },
      { application: 'mailer', checks: expect.any(Array) },
    ]);
  });

  it('asks nobody who we are when no call goes to AWS', async () => {
    const local = 'http://127.0.0.1:1';
    const env = { MILLRACE_KINESIS_ENDPOINT: local, MILLRACE_DYNAMO_DB_ENDPOINT: local };
    const { out } = await visit({ env, ports: { callerIdentity: failing('SOURCE_FAILED', 'asked') } });
    expect(out).toMatch(/ok +credentials +no call goes to AWS/);
    expect(out).toMatch(/ok +clock +the endpoints on this machine check no signature/);
  });
});

describe('a mistake', () => {
  it.each<[string, Visit, RegExp]>([
    ['no Java', { ports: { findJava: failing('JAVA_UNUSABLE', 'No Java.') } }, /error +Java +JAVA_UNUSABLE: No Java\./],
    ['an old Node.js', { ports: { nodeVersion: 'v20.18.3' } }, /error +Node\.js +v20\.18\.3 is too old\.\n +Install/],
    ['no jars', { ports: { verifyJars: failing('JARS_MISSING', 'None.') } }, /error +jars +JARS_MISSING: None\./],
    [
      'a wrong property',
      { env: { MILLRACE_FAILOVER_TIME_MILLIS: 'soon', MILLRACE_MAX_RECORDS: 'x' } },
      /error +properties +\w+: failoverTimeMillis.*\n +error +properties +\w+: maxRecords/,
    ],
    ['a module that is not there', { module: 'none.mjs' }, /none\.mjs\n +error +module +MODULE_NOT_LOADED: /],
    [
      'no credentials, said once',
      {
        ports: { callerIdentity: async () => ({ kind: 'missing', why: 'none' }) },
        aws: { credentials: failing('CREDENTIALS_MISSING', 'No AWS credentials') },
      },
      /error +credentials +No AWS credentials were found: none\.\n +Set AWS_ACCESS_KEY_ID(?![^]*CREDENTIALS_MISSING)/,
    ],
    [
      'credentials that AWS refuses',
      { ports: { callerIdentity: async () => ({ kind: 'refused', why: 'it expired', skewMs: 0 }) } },
      /error +credentials +AWS does not take the credentials: it expired\./,
    ],
    [
      'a missing stream',
      { aws: { listShards: failing('STREAM_NOT_FOUND', 'No "orders".') } },
      /error +stream +STREAM_NOT_FOUND: No "orders"\./,
    ],
    [
      'a table of somebody else',
      { aws: { describeTable: async () => ({ TableStatus: 'ACTIVE', KeySchema: [] }) } },
      /error +tables +TABLE_WRONG: Table "mailer" is not what KCL needs/,
    ],
    ['leases of another stream', { aws: { leases: async () => [leaseOf('x')] } }, /error +leases +TABLE_WRONG: /],
    [
      'a clock that is wrong',
      { ports: { callerIdentity: async () => ({ kind: 'refused', why: 'skewed', skewMs: 360_000 }) } },
      /error +clock +This machine's clock is 360 s ahead of AWS/,
    ],
  ])('is found: %s', async (_what, what, line) => {
    const { exitCode, out } = await visit(what);
    expect(out).toMatch(line);
    expect(out).toMatch(/\d errors?, \d warnings?\.\n$/);
    expect(exitCode).toBe(2);
  });

  it('is a warning when it keeps nothing from running', async () => {
    const { exitCode, out } = await visit({
      ports: {
        attachSelfTest: async () => ({ ok: false, why: 'hidepid' }),
        callerIdentity: async () => ({ kind: 'unreachable', why: 'no route' }),
      },
    });
    expect(out).toMatch(/warning +pipes .*: hidepid\n/);
    expect(out).toMatch(/warning +credentials +STS could not be asked/);
    expect({ exitCode, end: out.split('\n').at(-2) }).toEqual({ exitCode: 0, end: '0 errors, 2 warnings.' });
  });

  it('of credentials is a warning when the daemon has a provider of its own', async () => {
    const { exitCode, out } = await visit({
      env: { MILLRACE_AWS_CREDENTIALS_PROVIDER: 'ProfileCredentialsProvider|prod' },
      ports: { callerIdentity: async () => ({ kind: 'missing', why: 'none' }) },
    });
    expect(out).toMatch(/warning +credentials +.*the daemon uses ProfileCredentialsProvider/);
    expect(exitCode).toBe(0);
  });
});

it('waits for no check longer than ten seconds', async () => {
  const clock = new ManualClock();
  let asked = false;
  const callerIdentity = (): Promise<never> => {
    asked = true;
    return forever();
  };
  const ports = { findJava: forever, callerIdentity, clock };
  const visiting = visit({ ports, aws: { listShards: forever, describeStream: forever } });
  // The module is imported in real time.
  while (!asked) await clock.settle();
  await clock.advance(10_000);
  const { out } = await visiting;
  expect(out).toMatch(/error +Java +No answer within 9 s\./);
  expect(out).toMatch(/error +stream +ENDPOINT_UNREACHABLE: Kinesis has not answered within 4 s/);
});
