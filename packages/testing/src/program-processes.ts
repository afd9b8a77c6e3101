/** The processes of a program under test, each with a session on its standard pipes. */
import { spawn, type ChildProcess } from 'node:child_process';
import type { ByteChannel } from '@millrace/core/internal';
import type { ShardServer } from './bed-parts.js';
import { type PipedProcess, processServer } from './process-server.js';
import { pathOf } from './program-path.js';
import { realMs, shortWait } from './real-time.js';
import type { RuntimeSubject } from './runtime-scenario.js';
import { REPORTER, reportTo } from './settled-report.js';

const SAID_CHARACTERS = 4_000;

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
    const child = spawn(process.execPath, ['--import', REPORTER, pathOf(program)], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, ...env, MILLRACE_ENGINE: 'stdio', ...reportTo(this.#report) },
    });
    this.#alive.add(child);
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#said = (this.#said + text).slice(-SAID_CHARACTERS);
    });
    child.once('close', () => void this.#alive.delete(child));
    return child;
  }
}
