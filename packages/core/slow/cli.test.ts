/**
 * The command as a user starts it: the built `millrace`, in a project of its own that has the package in node_modules.
 * Every process belongs to one test and is ended by its own id.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

const core = fileURLToPath(new URL('..', import.meta.url));
const modules = fileURLToPath(new URL('../../../node_modules', import.meta.url));

const TSCONFIG = {
  compilerOptions: { module: 'NodeNext', target: 'ES2022', experimentalDecorators: true, emitDecoratorMetadata: true },
};

const MAILER_TS = `
import { appendFileSync } from 'node:fs';
import { KinesisConsumer, OnRecord, RetryPolicy } from '@millrace/core';
import { Outbox } from './outbox.js';

@KinesisConsumer('orders', 'order-mailer')
@RetryPolicy({ attempts: 1, then: 'skip' })
export class OrderMailer {
  constructor(private readonly outbox: Outbox) {}
  @OnRecord()
  placed(order: unknown): void {
    this.outbox.send((order as { id: string }).id);
  }
}
`;
const OUTBOX_TS = `
import { appendFileSync } from 'node:fs';
const VERSION = 1;
export class Outbox {
  send(id: string): void {
    if (id === 'print') console.log('printed by a handler');
    appendFileSync('sent.txt', \`\${VERSION} \${id}\\n\`);
  }
}
`;
const COLLECTOR_JS = `
import { appendFileSync } from 'node:fs';
import { defineConsumer, recordHandler } from '@millrace/core';
export const collector = defineConsumer({
  name: 'collector',
  stream: 'orders',
  applicationName: 'collector',
  create: () => ({}),
  handlers: [recordHandler({ name: 'all', handle: (order) => appendFileSync('sent.txt', '1 ' + order.id + '\\n') })],
});
`;
/** Never comes back, and blocks the event loop while it does so. */
const BLOCKED_JS = COLLECTOR_JS.replaceAll('collector', 'blocked').replace(
  "'\\n')",
  "'\\n') ?? (() => { for (;;); })()",
);

let project: string;
const running = new Set<ChildProcess>();

beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), 'millrace-cli-'));
  await mkdir(join(project, 'node_modules/@millrace'), { recursive: true });
  await symlink(core, join(project, 'node_modules/@millrace/core'));
  await symlink(join(modules, 'kinesis-local'), join(project, 'node_modules/kinesis-local'));
  await mkdir(join(project, 'src'));
  await mkdir(join(project, 'tmp'));
  const files = {
    'package.json': JSON.stringify({ name: 'shop', type: 'module' }),
    'tsconfig.json': JSON.stringify(TSCONFIG),
    'src/order-mailer.ts': MAILER_TS,
    'src/outbox.ts': OUTBOX_TS,
    'collector.js': COLLECTOR_JS,
    'blocked.js': BLOCKED_JS,
    'broken.ts': `import { KinesisConsumer } from '@millrace/core';\n@KinesisConsumer('orders', 'broken')\nexport class Broken {}\n`,
  };
  for (const [name, text] of Object.entries(files)) await writeFile(join(project, name), text);
});
afterEach(async () => {
  for (const child of running) {
    child.kill('SIGKILL');
    await once(child, 'exit').catch(() => undefined);
  }
  running.clear();
  for (const name of ['sent.txt', '.millrace']) await rm(join(project, name), { recursive: true, force: true });
});
afterAll(() => rm(project, { recursive: true, force: true }));

interface Event {
  readonly kind: string;
  readonly [member: string]: unknown;
}

const millrace = (...words: readonly string[]) => millraceWith({}, ...words);

function millraceWith(variables: Readonly<Record<string, string>>, ...words: readonly string[]) {
  const env = {
    ...process.env,
    ...variables,
    AWS_REGION: 'us-east-1',
    AWS_EC2_METADATA_DISABLED: 'true',
    TMPDIR: join(project, 'tmp'),
  };
  const child = spawn(process.execPath, [join(core, 'dist/cli.js'), ...words], {
    cwd: project,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.add(child);
  const said = { out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said.out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said.err += text));
  const exited = once(child, 'close').then(([exitCode]) => {
    running.delete(child);
    return exitCode as number | null;
  });
  const events = (): Event[] =>
    said.out
      .split('\n')
      .flatMap((line) => (line.startsWith('{') && line.endsWith('}') ? [JSON.parse(line) as Event] : []));
  return { child, said, exited, events };
}

type Running = ReturnType<typeof millrace>;

async function until<T>(what: string, found: () => T | undefined | false, context: () => string): Promise<T> {
  const deadline = AbortSignal.timeout(20_000);
  for (;;) {
    const value = found();
    if (value !== undefined && value !== false) return value;
    if (deadline.aborted) throw new Error(`${what} did not happen. ${context()}`);
    await sleep(20);
  }
}

const eventOf = (run: Running, kind: string, nth = 1) =>
  until(
    `${kind} (${nth})`,
    () => run.events().filter((event) => event.kind === kind)[nth - 1],
    () => `${run.said.out}\n${run.said.err}`,
  );

const ids = async () => {
  const text = existsSync(join(project, 'sent.txt')) ? await readFile(join(project, 'sent.txt'), 'utf8') : '';
  return text.split('\n').filter((line) => line !== '');
};
const handled = async (count: number, run: Running) => {
  for (let tries = 0; tries < 500 && (await ids()).length < count; tries += 1) await sleep(20);
  const lines = await ids();
  if (lines.length < count)
    throw new Error(`only ${lines.length} of ${count} records were handled.\n${run.said.out}\n${run.said.err}`);
  return lines;
};

const endpointOf = async (run: Running) => String((await eventOf(run, 'emulatorStarted'))['endpoint']);
const isAlive = (pid: number) => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    // ESRCH: that process is gone.
    return false;
  }
};
/** What listens at the endpoint is the emulator, or nobody any more. */
const answers = (endpoint: string) =>
  fetch(`${endpoint}/healthcheck`).then(
    (answer) => answer.ok,
    () => false,
  );

async function put(stream: string, endpoint: string, ...words: readonly string[]) {
  const run = millrace('put', stream, '--endpoint', endpoint, ...words);
  return { exitCode: await run.exited, ...run.said };
}

describe('millrace dev', () => {
  it('runs a TypeScript module with injected services: 100 records put, handled, Ctrl-C, nothing left', async () => {
    const run = millrace('dev', 'src/order-mailer.ts', '--json', '--no-watch', '--shards', '2');
    const endpoint = await endpointOf(run);
    const { pid } = (await eventOf(run, 'workerStarted')) as unknown as { pid: number };
    await eventOf(run, 'workerRunning');

    const sent = await put(
      'orders',
      endpoint,
      '--pattern',
      '{"id":"{{n}}"}',
      '--count',
      '100',
      '--key',
      'field:id',
      '--json',
    );
    expect(sent).toMatchObject({ exitCode: 0, err: '' });
    expect(JSON.parse(sent.out)).toMatchObject({ stream: 'orders', endpoint, sent: 100 });
    const lines = await handled(100, run);
    expect(lines.map((line) => Number(line.slice(2))).toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: 100 }, (_, n) => n + 1),
    );

    const interruptedMs = performance.now();
    run.child.kill('SIGINT');
    expect(await run.exited).toBe(0);
    expect(performance.now() - interruptedMs).toBeLessThan(10_000);
    expect(run.events().filter(({ kind }) => kind === 'sessionStarted')).toHaveLength(2);
    expect(run.events().at(-1)).toMatchObject({ kind: 'workerEnded', exitCode: 0 });
    expect({ worker: isAlive(pid), emulator: await answers(endpoint) }).toEqual({ worker: false, emulator: false });
    expect(await readdir(join(project, 'tmp'))).toEqual([]);
    expect(existsSync(join(project, '.millrace'))).toBe(false);
  });

  it('runs a JavaScript module, prints lines, and keeps what handlers print apart', async () => {
    const run = millrace('dev', 'collector.js', '--no-watch');
    const endpoint = await until(
      'the hint',
      () => / --endpoint (\S+)/.exec(run.said.out)?.[1],
      () => run.said.err,
    );
    await until(
      'a session',
      () => run.said.out.includes('starts at TRIM_HORIZON'),
      () => run.said.err,
    );
    await put('orders', endpoint, '--pattern', '{"id":"{{n}}"}', '--count', '7');
    await until(
      'the summary',
      () => /collector shardId-…0000: 7 handled.*checkpoint …\d/.test(run.said.out),
      () => run.said.out + run.said.err,
    );
    run.child.kill('SIGTERM');
    expect(await run.exited).toBe(0);
    expect(run.said.out).toContain('Stopping after SIGTERM');
  });

  it('sends the output of handlers to stderr', async () => {
    const run = millrace('dev', 'src/order-mailer.ts', '--json', '--no-watch');
    const endpoint = await endpointOf(run);
    await eventOf(run, 'workerRunning');
    await put('orders', endpoint, '--pattern', '{"id":"print"}');
    await handled(1, run);
    await until(
      'the line',
      () => run.said.err.includes('printed by a handler'),
      () => run.said.err,
    );
    expect(run.said.out).not.toContain('printed by a handler');
    run.child.kill('SIGINT');
    expect(await run.exited).toBe(0);
  });

  it('restarts on a change and goes on where it was, with the same emulator', async () => {
    const run = millrace('dev', 'src/order-mailer.ts', '--json');
    const endpoint = await endpointOf(run);
    await eventOf(run, 'workerRunning');
    await put('orders', endpoint, '--pattern', '{"id":"a{{n}}"}', '--count', '20');
    await handled(20, run);

    await writeFile(join(project, 'src/outbox.ts'), OUTBOX_TS.replace('VERSION = 1', 'VERSION = 2'));
    expect(await eventOf(run, 'fileChanged')).toMatchObject({ file: 'src/outbox.ts' });
    await eventOf(run, 'workerRunning', 2);
    await put('orders', endpoint, '--pattern', '{"id":"b{{n}}"}', '--count', '20');
    const lines = await handled(40, run);
    expect(lines.filter((line) => line.startsWith('1 a'))).toHaveLength(20);
    expect(lines.filter((line) => line.startsWith('2 b'))).toHaveLength(20);

    await writeFile(join(project, 'src/outbox.ts'), 'export class Outbox {');
    expect(await eventOf(run, 'workerFailed')).toMatchObject({ error: { code: 'MODULE_NOT_LOADED' } });
    await eventOf(run, 'waitingForChange');
    await writeFile(join(project, 'src/outbox.ts'), OUTBOX_TS);
    await eventOf(run, 'workerRunning', 3);
    expect(run.events().filter(({ kind }) => kind === 'emulatorStarted')).toHaveLength(1);
    run.child.kill('SIGINT');
    expect(await run.exited).toBe(0);
    expect(await answers(endpoint)).toBe(false);
  });

  it('does not wait for a handler that blocks everything when Ctrl-C comes a second time', async () => {
    const run = millrace('dev', 'blocked.js', '--json', '--no-watch');
    const endpoint = await endpointOf(run);
    const { pid } = (await eventOf(run, 'workerStarted')) as unknown as { pid: number };
    await eventOf(run, 'workerRunning');
    await put('orders', endpoint, '--pattern', '{"id":"x"}');
    await handled(1, run);
    run.child.kill('SIGINT');
    await eventOf(run, 'stopping');
    run.child.kill('SIGINT');
    expect(await run.exited).toBe(130);
    expect({ worker: isAlive(pid), emulator: await answers(endpoint) }).toEqual({ worker: false, emulator: false });
  });

  it('leaves nothing behind when it is killed itself', async () => {
    const run = millrace('dev', 'src/order-mailer.ts', '--json', '--no-watch');
    const endpoint = await endpointOf(run);
    const { pid } = (await eventOf(run, 'workerStarted')) as unknown as { pid: number };
    await eventOf(run, 'workerRunning');
    run.child.kill('SIGKILL');
    await run.exited;
    await until(
      'the end of the worker',
      () => !isAlive(pid),
      () => `pid ${pid}`,
    );
    for (let tries = 0; tries < 200 && (await answers(endpoint)); tries += 1) await sleep(20);
    expect(await answers(endpoint)).toBe(false);
  });

  it('reads an endpoint that is given, and goes on at the next start', async () => {
    const host = millrace('dev', 'collector.js', '--json', '--no-watch');
    const endpoint = await endpointOf(host);
    const first = millrace('dev', 'src/order-mailer.ts', '--json', '--no-watch', '--endpoint', endpoint);
    await put('orders', endpoint, '--pattern', '{"id":"{{n}}"}', '--count', '3');
    await handled(6, first);
    expect(first.events().some(({ kind }) => kind === 'emulatorStarted')).toBe(false);
    first.child.kill('SIGINT');
    expect(await first.exited).toBe(0);
    expect(await readdir(join(project, '.millrace'))).toEqual(['order-mailer.checkpoints.json']);
    const second = millrace('dev', 'src/order-mailer.ts', '--json', '--no-watch', '--endpoint', endpoint);
    expect(await eventOf(second, 'sessionStarted')).toMatchObject({ sequenceNumber: expect.stringMatching(/^\d+$/) });
    second.child.kill('SIGINT');
    expect(await second.exited).toBe(0);
    host.child.kill('SIGINT');
    expect(await host.exited).toBe(0);
  });

  it('ends with the mistake of a declaration, all of it', async () => {
    const run = millrace('dev', 'broken.ts', '--no-watch');
    expect(await run.exited).toBe(2);
    expect(run.said.err).toMatch(
      /^error DEFINITION_INVALID: The consumer is declared wrongly \(1 mistake\):\n {2}- \[NO_HANDLER\]/,
    );
    expect(run.said.out).not.toContain('Embedded Kinesis');
  });

  it('refuses to run in production', async () => {
    await utimes(join(project, 'package.json'), new Date(), new Date());
    const run = spawn(process.execPath, [join(core, 'dist/cli.js'), 'dev', 'collector.js', '--no-watch'], {
      cwd: project,
      env: { ...process.env, NODE_ENV: 'production' },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    running.add(run);
    let err = '';
    run.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
    const [exitCode] = (await once(run, 'close')) as [number];
    running.delete(run);
    expect({ exitCode, err }).toEqual({ exitCode: 2, err: expect.stringMatching(/^error ENGINE_REFUSED/) });
  });
});

describe('millrace run', () => {
  it('runs a module without a main.ts, and ends in order', async () => {
    const host = millrace('dev', 'src/order-mailer.ts', '--json', '--no-watch');
    const endpoint = await endpointOf(host);
    await eventOf(host, 'workerRunning');
    const settings = join(project, 'collector.properties');
    await writeFile(settings, `kinesisEndpoint=${endpoint}\nregionName=us-east-1\n`);
    const run = millrace('run', 'collector.js', '--engine', 'local', '--file', 'collector.properties');
    await put('orders', endpoint, '--pattern', '{"id":"{{n}}"}', '--count', '5');
    await handled(10, run);
    run.child.kill('SIGTERM');
    expect(await run.exited).toBe(0);
    expect(run.said.out).toBe('');
    host.child.kill('SIGINT');
    expect(await host.exited).toBe(0);
  });

  it('looks at what the daemon needs when no engine is chosen, before it starts one', async () => {
    const missing = join(project, 'missing-jars');
    const run = millraceWith({ MILLRACE_JARS: missing }, 'run', 'collector.js');
    expect(await run.exited).toBe(2);
    expect(run.said.err).toContain('JARS_MISSING');
    expect(run.said.err).toContain('millrace jars fetch');
  });
});

describe('millrace put', () => {
  it('sends a file and standard input, and names the line of bad input', async () => {
    const host = millrace('dev', 'collector.js', '--json', '--no-watch');
    const endpoint = await endpointOf(host);
    await eventOf(host, 'workerRunning');
    await writeFile(join(project, 'orders.jsonl'), '{"id":"f1"}\n\n{"id":"f2"}\n');
    expect(await put('orders', endpoint, '--file', 'orders.jsonl')).toMatchObject({
      exitCode: 0,
      out: expect.stringMatching(/^Sent 2 records to orders at http/),
    });

    const piped = spawn(
      process.execPath,
      [join(core, 'dist/cli.js'), 'put', 'orders', '--endpoint', endpoint, '--stdin'],
      {
        cwd: project,
        stdio: ['pipe', 'pipe', 'pipe'],
      },
    );
    running.add(piped);
    let err = '';
    piped.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
    piped.stdin.write('{"id":"s1"}\n');
    await handled(3, host);
    piped.stdin.write('oops\n');
    const [exitCode] = (await once(piped, 'close')) as [number];
    running.delete(piped);
    expect(exitCode).toBe(2);
    expect(err).toMatch(
      /^Sent 1 record to orders at \S+ before the error below\.\nerror INPUT_INVALID: stdin:2 is not JSON/,
    );
    expect((await ids()).toSorted()).toEqual(['1 f1', '1 f2', '1 s1']);
    host.child.kill('SIGINT');
    expect(await host.exited).toBe(0);
  });

  it('says that nobody listens, and that a stream does not exist', async () => {
    expect(await put('orders', 'http://127.0.0.1:9', '--pattern', '{}')).toMatchObject({
      exitCode: 1,
      err: expect.stringContaining('ENDPOINT_UNREACHABLE'),
    });
    const host = millrace('dev', 'collector.js', '--json', '--no-watch');
    const endpoint = await endpointOf(host);
    expect(await put('nothing', endpoint, '--pattern', '{}')).toMatchObject({
      exitCode: 1,
      err: expect.stringContaining('STREAM_NOT_FOUND'),
    });
    host.child.kill('SIGINT');
    expect(await host.exited).toBe(0);
  });
});

describe('millrace properties', () => {
  it('prints the file of a TypeScript module, with origins', async () => {
    const run = millrace('properties', 'src/order-mailer.ts');
    expect(await run.exited).toBe(0);
    expect(run.said.out).toContain('# declared: @KinesisConsumer\nstreamName=orders\n');
    expect(run.said.err).toBe('');
  });

  it('prints every mistake at once', async () => {
    await writeFile(join(project, 'wrong.properties'), 'maxRecrods=5\nfailoverTimeMillis=soon\n');
    const run = millrace('properties', 'collector.js', '--file', 'wrong.properties', '--json');
    expect(await run.exited).toBe(2);
    expect(run.said.err).toMatch(/^error CONFIGURATION_INVALID: The configuration is wrong \(2 mistakes\)/);
    expect(run.said.out).toBe('');
  });
});

/** `script` gives a command a terminal; its Ctrl-C goes to the whole foreground group, as a keyboard's does. */
describe.runIf(process.platform === 'linux')('in a terminal', () => {
  it('draws a table, and leaves the cursor visible after Ctrl-C', async () => {
    const command = `stty cols 100 rows 30; exec ${process.execPath} ${join(core, 'dist/cli.js')} dev collector.js --no-watch`;
    const child = spawn('/usr/bin/script', ['-qec', command, '/dev/null'], {
      cwd: project,
      env: { ...process.env, TERM: 'xterm' },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    running.add(child);
    let screen = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (screen += text));
    const endpoint = await until(
      'the hint',
      () => / --endpoint (\S+)/.exec(screen)?.[1],
      () => screen,
    );
    await put('orders', endpoint, '--pattern', '{"id":"{{n}}"}', '--count', '9');
    await until(
      'the table',
      () => screen.includes('9 handled, 0 parked, 0 retries since the start; Ctrl-C ends'),
      () => screen,
    );
    expect(screen).toMatch(/shard +state +records\/s +lag +checkpoint +retries +parked/);
    child.stdin.write('\u0003');
    const [exitCode] = (await once(child, 'close')) as [number];
    running.delete(child);
    expect(exitCode).toBe(0);
    expect(screen.lastIndexOf('\u001B[?25h')).toBeGreaterThan(screen.lastIndexOf('\u001B[?25l'));
    expect(await answers(endpoint)).toBe(false);
  });
});
