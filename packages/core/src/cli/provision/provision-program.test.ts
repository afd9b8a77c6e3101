import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCli } from '../program.js';

let cwd: string;
beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'provision-'));
  const core = fileURLToPath(new URL('../../index.ts', import.meta.url));
  const consumer = (name: string): string =>
    `export const ${name} = defineConsumer({ name: '${name}', stream: 'orders', applicationName: 'order-${name}', create: () => ({}), handlers: [recordHandler({ name: 'all', handle: () => undefined })] });\n`;
  const imports = `import { defineConsumer, recordHandler } from ${JSON.stringify(core)};\n`;
  await writeFile(join(cwd, 'one.mjs'), `${imports}${consumer('mailer')}`);
  await writeFile(join(cwd, 'two.mjs'), `${imports}${consumer('mailer')}${consumer('ledger')}`);
});
afterAll(() => rm(cwd, { recursive: true }));

async function millrace(line: string, env: Readonly<Record<string, string>> = {}) {
  let out = '';
  let err = '';
  const terminal = {
    out: (text: string) => void (out += text),
    err: (text: string) => void (err += text),
    env,
    cwd,
    command: 'millrace',
  };
  const exitCode = await runCli(line.split(' '), terminal);
  return { exitCode, out, err };
}

describe('millrace iam', () => {
  it('prints a policy alone on standard output, and what else there is to know beside it', async () => {
    const { exitCode, out, err } = await millrace('iam one.mjs --account 123456789012');
    expect(exitCode).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ Version: '2012-10-17', Statement: expect.any(Array) });
    expect(err).toMatch(/^note: The region is not known: .*\n$/);
  });

  it('takes the region of the environment, and the consumers that were asked for', async () => {
    const { out, err } = await millrace('iam two.mjs --account 123456789012 --provisioned', {
      AWS_REGION: 'eu-west-1',
    });
    expect(err).toBe('');
    expect(out).toContain('"ReadStreamOfOrderLedger"');
    expect(out).not.toContain('CreateTable');
    const one = await millrace('iam two.mjs --consumer ledger --region eu-west-2', { AWS_REGION: 'eu-west-1' });
    expect(one.out).toContain('arn:aws:dynamodb:eu-west-2:ACCOUNT_ID:table/order-ledger"');
    expect(one.out).not.toContain('order-mailer');
  });

  it('refuses what is no account', async () => {
    const { exitCode, err } = await millrace('iam one.mjs --account me');
    expect({ exitCode, err }).toEqual({ exitCode: 2, err: expect.stringContaining('Give the 12 digits') });
  });
});

describe('millrace provision', () => {
  it.each([
    ['cloudformation', 'TableName: "order-ledger-CoordinatorState"'],
    ['terraform', 'resource "aws_dynamodb_table" "order_ledger_coordinator_state" {'],
  ])('--print %s tells of the tables of every consumer, without AWS', async (kind, line) => {
    const { exitCode, out, err } = await millrace(`provision two.mjs --print ${kind}`);
    expect({ exitCode, err }).toEqual({ exitCode: 0, err: '' });
    expect(out).toContain(line);
    expect(out).toContain('order-mailer-WorkerMetricStats');
  });

  it.each([
    ['provision one.mjs --print yaml', 'Allowed choices are cloudformation, terraform.'],
    ['provision one.mjs --print terraform --leases', "cannot be used with option '--leases'"],
    ['provision one.mjs --print terraform --dry-run', "cannot be used with option '--dry-run'"],
  ])('%s is a wrong command line', async (line, message) => {
    expect(await millrace(line)).toMatchObject({ exitCode: 2, out: '', err: expect.stringContaining(message) });
  });

  it('says which endpoint it cannot reach', async () => {
    const env = { MILLRACE_DYNAMO_DB_ENDPOINT: 'http://127.0.0.1:1' };
    const { exitCode, out, err } = await millrace('provision one.mjs', env);
    expect(err).toMatch(/^error ENDPOINT_UNREACHABLE: DynamoDB cannot be reached at http:\/\/127\.0\.0\.1:1: /);
    expect({ exitCode, out }).toEqual({ exitCode: 1, out: '' });
  });

  it('says all that is wrong with the configuration before it calls anything', async () => {
    const env = { MILLRACE_DYNAMO_DB_ENDPOINT: 'nowhere', MILLRACE_FAILOVER_TIME_MILLIS: 'soon' };
    const { exitCode, err } = await millrace('provision one.mjs', env);
    expect(exitCode).toBe(2);
    expect(err).toMatch(/CONFIGURATION_INVALID: .*\(2 mistakes\)/);
  });
});
