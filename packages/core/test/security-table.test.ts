/** The table in docs/security.md, and the tests of its rows that belong to no file of their own. */
import { existsSync, readFileSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { resolveScenario } from '../src/config/resolve.fixture.js';
import { findSecret } from '../src/config/secrets.js';
import { parseStreamArn, parseValue } from '../src/config/value.js';
import { makePrivateFolder } from '../src/supervisor/private-folder.js';

const root = (path: string) => fileURLToPath(new URL(`../../../${path}`, import.meta.url));
const read = (path: string) => readFileSync(root(path), 'utf8');

const rows = read('docs/security.md')
  .split('\n')
  .filter((line) => line.startsWith('| ') && line.includes(' › '))
  .map(
    (line) =>
      (line.split('|').at(-2) ?? '')
        .trim()
        .replaceAll(String.raw`\_`, '_')
        .split(' › ') as [string, string],
  );

describe('the table of docs/security.md', () => {
  it('is read', () => {
    expect(rows.length).toBeGreaterThanOrEqual(36);
  });

  it.each(rows)('%s has the test "%s"', (file, name) => {
    expect(existsSync(root(file))).toBe(true);
    const quoted = [`'${name}'`, `"${name}"`, `\`${name}\``, `'${name.replaceAll("'", String.raw`\'`)}'`];
    const text = read(file);
    expect(quoted.some((title) => text.includes(title))).toBe(true);
  });
});

/** Made up, each in a form that a kind of secret has. */
const KEY = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY';
const SECRETS = [
  ...['AKIA', 'ASIA', 'ABIA', 'ACCA'].map((prefix) => `${prefix}IOSFODNN7EXAMPLE`),
  KEY,
  `${KEY}${KEY}`,
  `aws_secret_access_key ${KEY}`,
  'aws_session_token canary08',
  'awsSecretAccessKey canary09',
  'password=canary10',
  'passwd = canary11',
  'token=canary12',
  'secret=canary13',
  'secret_key=canary14',
  'https://me:canary15@example.com/',
  'https://:canary16@example.com/',
  'postgres://me:canary17@db/orders',
  '-----BEGIN PRIVATE KEY----- canary18',
  'x -----BEGIN RSA PRIVATE KEY----- canary19',
  'client_secret=canary20',
] as const;

it('no secret of twenty is repeated in a mistake of the configuration', () => {
  expect(new Set(SECRETS).size).toBe(20);
  for (const secret of SECRETS) {
    const sources = [
      { declared: { workerId: secret } },
      { text: `workerId=${secret}\n` },
      { options: { workerId: secret } },
    ];
    for (const source of sources) {
      let said = '';
      try {
        resolveScenario(source);
      } catch (error) {
        said = `${String(error)} ${JSON.stringify(error)}`;
      }
      expect(said, secret).toContain('SECRET_IN_VALUE');
      expect(said).not.toContain(secret);
    }
  }
});

describe('a long input', () => {
  const SHORT = 10_000;
  const checks: readonly [string, (length: number) => unknown][] = [
    ['durations', (n) => parseValue({ kind: 'duration' }, `P${'1'.repeat(n)}`)],
    ['regions', (n) => parseValue({ kind: 'region' }, `${'a-'.repeat(n / 2)}!`)],
    ['addresses', (n) => parseValue({ kind: 'uri' }, `http://${'a'.repeat(n)} `)],
    ['stream names', (n) => parseValue({ kind: 'streamName' }, `${'a'.repeat(n)}!`)],
    ['ARNs', (n) => parseStreamArn(`arn:aws${'-'.repeat(n)}`)],
    ['secrets in texts', (n) => findSecret('token'.repeat(n / 5))],
    ['secrets in blanks', (n) => findSecret(`secret${' '.repeat(n)}`)],
    ['secrets in URLs', (n) => findSecret('://a:b'.repeat(n / 6))],
  ];

  it.each(checks)('checks %s in time that grows with its length', (_, check) => {
    const least = (length: number) =>
      Math.min(
        ...Array.from({ length: 5 }, () => {
          const begin = performance.now();
          check(length);
          return performance.now() - begin;
        }),
      );
    const short = least(SHORT);
    // Ten times as long; a square would be a hundred times, and other work on the machine may double either.
    expect(least(10 * SHORT)).toBeLessThan(50 * Math.max(short, 0.5));
  });
});

it('the folder of the daemon is closed to others', async () => {
  const folder = await makePrivateFolder();
  try {
    const paths = [folder.path, ...(await readdir(folder.path)).map((name) => join(folder.path, name))];
    const modes = await Promise.all(paths.map(async (path) => (await stat(path)).mode & 0o077));
    expect(modes).toEqual([0, 0, 0]);
  } finally {
    await folder.remove();
  }
});

it.each([
  ['core', 17],
  ['testing', 0],
])('%s has %i dependencies at run time', (name, count) => {
  const { dependencies = {} } = JSON.parse(read(`packages/${name}/package.json`)) as { dependencies?: object };
  expect(Object.keys(dependencies)).toHaveLength(count);
});
