import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EXIT_CODES } from '../exit-codes.js';
import { VARIABLES } from './help-text.js';
import { buildProgram, runCli } from './program.js';

let cwd: string;
beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'program-'));
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
  const exitCode = await runCli(line === '' ? [] : line.split(' '), terminal);
  return { exitCode, out, err };
}

describe('help', () => {
  it('lists commands in groups, examples, variables and every exit code', async () => {
    const { exitCode, out, err } = await millrace('--help');
    expect({ exitCode, err }).toEqual({ exitCode: 0, err: '' });
    for (const text of ['Developing:', 'Running:', 'Deploying:', 'Examples:', 'Environment variables:', 'Exit codes:'])
      expect(out).toContain(`\n${text}\n`);
    for (const code of Object.values(EXIT_CODES)) expect(out).toMatch(new RegExp(`^  ${code}  +\\w`, 'm'));
    for (const [name] of VARIABLES) expect(out).toContain(`  ${name} `);
  });

  it.each(['dev', 'put', 'run', 'properties', 'provision', 'iam', 'doctor'])(
    'tells what %s does and takes',
    async (command) => {
      const { exitCode, out } = await millrace(`${command} --help`);
      expect(exitCode).toBe(0);
      expect(out).toMatch(new RegExp(`^Usage: millrace ${command} \\[options\\] <\\w+>\\n\\n\\w`));
      expect(await millrace(`help ${command}`)).toMatchObject({ out });
    },
  );

  it('has a line for every option', () => {
    const program = buildProgram(
      { out: () => undefined, err: () => undefined, env: {}, cwd, command: 'millrace' },
      () => undefined,
    );
    const silent = program.commands.flatMap((command) => command.options.filter((option) => option.description === ''));
    expect(silent.map((option) => option.flags)).toEqual([]);
  });

  it('is shown, as an error, when no command is given', async () => {
    const { exitCode, err } = await millrace('');
    expect(exitCode).toBe(2);
    expect(err).toContain('Usage: millrace');
  });

  it('knows the version', async () => {
    expect(await millrace('--version')).toMatchObject({ exitCode: 0, out: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
  });
});

describe('the guides', () => {
  const read = (name: string): string => readFileSync(new URL(`../../../../docs/${name}.md`, import.meta.url), 'utf8');
  const guide = read('local-development');
  const guides = [guide, read('provisioning'), read('doctor'), read('operating')].join('\n');
  const terminal = { out: () => undefined, err: () => undefined, env: {}, cwd: '/', command: 'millrace' };
  const commands = buildProgram(terminal, () => undefined).commands.filter(({ options }) => options.length > 0);

  it.each(commands.map((command) => [command.name(), command.options.map(({ long }) => long)]))(
    'tells of %s with %s',
    (name, options) => {
      const [, section = ''] = guides.split(`\n## \`millrace ${name}\``);
      const text = section.split('\n## ')[0] ?? '';
      expect([...options].filter((option) => !text.includes(`\`${option}`))).toEqual([]);
    },
  );

  it('tells of every exit code and variable', () => {
    for (const code of Object.values(EXIT_CODES)) expect(guide).toMatch(new RegExp(`^\\| +${code} +\\|`, 'm'));
    for (const name of VARIABLES.flatMap(([names]) => names.split(', ')))
      if (name !== '...') expect(guide).toContain(`\`${name}\``);
  });
});

describe('a wrong command line', () => {
  it.each([
    ['dve a.ts', "unknown command 'dve'\n(Did you mean dev?)"],
    ['dev --shard 3 a.ts', "unknown option '--shard'\n(Did you mean --shards?)"],
    ['dev', "missing required argument 'module'"],
    ['dev --shards 0 a.ts', "'0' is invalid. Give a whole number of at least 1."],
    ['dev --shards 1.5 a.ts', 'Give a whole number of at least 1.'],
    ['dev --dynamodb-endpoint http://127.0.0.1:8000 a.ts', '--dynamodb-endpoint is for --daemon'],
    ['dev --daemon --checkpoints a.json a.ts', "'--daemon' cannot be used with option '--checkpoints <file>'"],
    ['dev --endpoint localhost:4568 a.ts', 'Give a URL, for example http://127.0.0.1:4568.'],
    ['run --engine demon a.js', 'Allowed choices are daemon, local, stdio, aws-kcl.'],
    ['put orders', 'nothing to send: give --file, --stdin or --pattern'],
    ['put orders --file a --stdin', "cannot be used with option '--stdin'"],
    ['put orders --pattern x --rate 0', 'Give records per second, more than 0.'],
    ['put orders --pattern x --key id', 'Give random, field:<path> (field:customer.id), or literal:<text>'],
  ])('%s', async (line, message) => {
    const { exitCode, out, err } = await millrace(line);
    expect(err).toContain(message);
    expect(err).toContain('millrace --help');
    expect({ exitCode, out }).toEqual({ exitCode: 2, out: '' });
  });
});

describe('an error of a command', () => {
  it('is its code and message, without a stack', async () => {
    const { exitCode, err } = await millrace('properties missing.ts');
    expect(err).toBe('error MODULE_NOT_LOADED: There is no file missing.ts. Check the path.\n');
    expect(exitCode).toBe(2);
  });

  it.each([
    ['--verbose', {}],
    ['', { MILLRACE_DEBUG: '1' }],
  ])('shows its stack with %s %j', async (flag, env) => {
    const { err } = await millrace(`properties missing.ts ${flag}`.trim(), env);
    expect(err).toMatch(/\n\s+at .*module-file/);
  });
});

describe('put without a stream to send to', () => {
  const nothing = { AWS_EC2_METADATA_DISABLED: 'true' };

  it('explains what to do without AWS', async () => {
    const { exitCode, err } = await millrace('put orders --pattern {} --region eu-west-1', nothing);
    expect(err).toMatch(
      /^error CREDENTIALS_MISSING: No endpoint was given and no AWS credentials were found\. .*`millrace dev <module>`/,
    );
    expect(exitCode).toBe(1);
  });

  it('refuses a bad file before it connects to anything', async () => {
    await writeFile(join(cwd, 'bad.jsonl'), '{"id":1}\nnope\n');
    const { exitCode, out, err } = await millrace('put orders --file bad.jsonl --endpoint http://127.0.0.1:9');
    expect(err).toMatch(
      /^error INPUT_INVALID: A line of the file cannot be sent, so nothing was:\n {2}- bad\.jsonl:2 is not JSON/,
    );
    expect({ exitCode, out }).toEqual({ exitCode: 2, out: '' });
  });
});
