/** The program under test as a user starts it: its supervisor, and whatever that starts in turn. */
import { spawn, type ChildProcess } from 'node:child_process';
import { MillraceError } from '@millrace/core';
import { moduleOf } from './module-text.js';
import { pathOf } from './program-path.js';
import { realClock } from './real-time.js';
import { REPORTER } from './settled-report.js';

const SAID_CHARACTERS = 8_000;

/**
 * A test that is killed leaves no worker behind: the supervisor, whose standard input it holds, ends with it, and its guard ends
 * all the others.
 */
const LEAVE_WITH_TEST = `
if (process.ppid === Number(process.env.MILLRACE_TEST_PROCESS)) {
  process.stdin.once('end', () => process.kill(process.pid, 'SIGKILL')).resume();
  process.stdin.unref();
}`;

export class DaemonProgram {
  readonly #path: string;
  readonly #env: NodeJS.ProcessEnv;
  #child: ChildProcess | undefined;
  /** Resolves when everything that it started is gone as well: until then somebody holds its output open. */
  #closed: Promise<number | null> = Promise.resolve(0);
  #ended: string | undefined;
  #said = '';

  /** @param env - over the environment of the test. */
  constructor(program: string, env: Readonly<Record<string, string>>) {
    this.#path = pathOf(program);
    // Belongs to other credentials than those of the emulators.
    const { AWS_SESSION_TOKEN: _real, ...own } = process.env;
    this.#env = { ...own, ...env, MILLRACE_TEST_PROCESS: String(process.pid) };
  }

  start(): void {
    // The processes that it starts are given the same options.
    const imports = [REPORTER, moduleOf(LEAVE_WITH_TEST)].flatMap((module) => ['--import', module]);
    const child = spawn(process.execPath, [...imports, this.#path], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: this.#env,
    });
    this.#child = child;
    child.stdin.on('error', () => undefined);
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.#said = (this.#said + text).slice(-SAID_CHARACTERS);
      });
    child.once('exit', (code, signal) => {
      if (this.#child === child) this.#ended = `The program ended by itself (${signal ?? `exit code ${code}`}).`;
    });
    this.#closed = new Promise((resolve) => {
      child.once('close', resolve);
    });
  }

  /** @throws TRANSPORT_FAILED once it has ended and nobody wanted it to. */
  assertRuns(): void {
    if (this.#ended !== undefined) throw new MillraceError('TRANSPORT_FAILED', `${this.#ended}\n${this.said()}`);
  }

  /** The end of what it wrote. */
  said(): string {
    return `The program said last:\n${this.#said}`;
  }

  /** Resolves when it is gone, with everything that it started. */
  async kill(): Promise<void> {
    this.#letGo()?.kill('SIGKILL');
    await this.#closed;
  }

  /** Asks it to end in order. @throws TRANSPORT_FAILED when it fails, or does not end in time. */
  async stop(withinMs: number): Promise<void> {
    const child = this.#letGo();
    child?.kill('SIGTERM');
    const deadline = realClock.setTimer(withinMs, () => void child?.kill('SIGKILL'));
    const code = await this.#closed;
    deadline.cancel();
    if (code !== 0) throw new MillraceError('TRANSPORT_FAILED', `The program did not stop in order.\n${this.said()}`);
  }

  /** Its end is meant from now on. */
  #letGo(): ChildProcess | undefined {
    const child = this.#child;
    this.#child = undefined;
    return child;
  }
}
