/** The processes of a program under test, each with a session on its standard pipes. */
import { spawn, type ChildProcess } from 'node:child_process';
import type { ByteChannel } from '@millrace/core/internal';
import type { ShardServer } from './bed-parts.js';
import { type PipedProcess, processServer } from './process-server.js';
import { realMs, shortWait } from './real-time.js';
import type { RuntimeSubject } from './runtime-scenario.js';

const SAID_CHARACTERS = 4_000;

/** Inside the program, before it: notes how records are settled. Written at once, so that no kill loses a line. */
const REPORTER = `
import { appendFileSync } from 'node:fs';
import { subscribe } from 'node:diagnostics_channel';
subscribe('millrace:session', ({ kind, recordId, how }) => {
  if (kind === 'recordSettled') appendFileSync(process.env.MILLRACE_TEST_REPORT, JSON.stringify({ recordId, how }) + '\\n');
});`;

export class ProgramProcesses {
  readonly #subject: RuntimeSubject;
  readonly #report: string;
  readonly #alive = new Set<ChildProcess>();
  #said = '';

  /** @param report - the file for the records that were settled. */
  constructor(subject: RuntimeSubject, report: string) {
    this.#subject = subject;
    this.#report = report;
  }

  /** A process at the other end of the channel. */
  serve(channel: ByteChannel): ShardServer {
    return processServer(channel, () => this.#start());
  }

  /** SIGKILL for all of them. */
  kill(): void {
    for (const child of this.#alive) child.kill('SIGKILL');
  }

  /** Resolves when none is left; those that stay longer are killed. */
  async ended(withinMs: number): Promise<void> {
    const deadlineMs = realMs() + withinMs;
    while (this.#alive.size > 0) {
      if (realMs() > deadlineMs) this.kill();
      await shortWait();
    }
  }

  /** The end of what they wrote on standard error. */
  said(): string {
    return `The program said last:\n${this.#said}`;
  }

  #start(): PipedProcess {
    const { program, env = {} } = this.#subject;
    const reporter = `data:text/javascript,${encodeURIComponent(REPORTER)}`;
    const path = program.startsWith('file:') ? new URL(program).pathname : program;
    const child = spawn(process.execPath, ['--import', reporter, path], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, ...env, MILLRACE_ENGINE: 'stdio', MILLRACE_TEST_REPORT: this.#report },
    });
    this.#alive.add(child);
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#said = (this.#said + text).slice(-SAID_CHARACTERS);
    });
    child.once('close', () => void this.#alive.delete(child));
    return child;
  }
}
