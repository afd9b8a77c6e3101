/** The fixture's worker as a user starts it: a program of its own, with everything that it starts in turn. */
import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { markedProcesses, MARK, type MarkedProcess, type ProcessRole } from './processes.js';
import { until } from './until.js';

const PROGRAM = fileURLToPath(new URL('../fixtures/consumer.mjs', import.meta.url));

export interface WorkerSettings {
  /** In the ledger, and in messages. */
  readonly name: string;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** @defaultValue this Node */
  readonly node?: string;
  /** @defaultValue fixtures/consumer.mjs */
  readonly program?: string;
}

export interface LogLine {
  /** As pino numbers them; 0 for a line that is no log. */
  readonly level: number;
  readonly msg: string;
  readonly [field: string]: unknown;
}

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export class Worker {
  readonly name: string;
  readonly exited: Promise<Ended>;
  readonly logs: LogLine[] = [];
  private readonly child: ChildProcess;
  private readonly mark = randomUUID();

  constructor({ name, cwd, env, node = process.execPath, program = PROGRAM }: WorkerSettings) {
    this.name = name;
    this.child = spawn(node, [program], {
      cwd,
      // A process group of its own, as a shell or a service manager gives it.
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env, [MARK]: this.mark },
    });
    // Not `close`: whatever outlives the supervisor keeps the pipes open.
    this.exited = once(this.child, 'exit').then(([code, signal]) => ({ code, signal }));
    for (const stream of [this.child.stdout, this.child.stderr]) if (stream !== null) this.collect(stream);
  }

  get pid(): number {
    if (this.child.pid === undefined) throw new Error(`${this.name} was not started.`);
    return this.child.pid;
  }

  /** To the supervisor alone. */
  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** SIGTERM, and how it ended. */
  async stop(withinMs = 60_000): Promise<Ended> {
    this.signal('SIGTERM');
    return this.ended(withinMs);
  }

  /** How it ended; fails when it does not. */
  async ended(withinMs = 120_000): Promise<Ended> {
    let ended: Ended | undefined;
    void this.exited.then((how) => (ended = how));
    return until(`the end of ${this.name}`, () => ended, { withinMs, pollMs: 50, last: () => this.tail() });
  }

  processes(): readonly MarkedProcess[] {
    return markedProcesses(this.mark, this.child.pid);
  }

  pids(role: ProcessRole): readonly number[] {
    return this.processes().flatMap((one) => (one.role === role ? [one.pid] : []));
  }

  /** What is still there when nothing should be; waits a little, because the last ones may be on their way out. */
  async leftovers(withinMs = 5_000): Promise<readonly MarkedProcess[]> {
    const none = (): true | undefined => (this.processes().length === 0 ? true : undefined);
    await until('the last process', none, { withinMs }).catch(() => undefined);
    return this.processes();
  }

  /** Ends everything, process by process. Not a part of any test: what is started is not left behind. */
  async destroy(): Promise<void> {
    for (let round = 0; round < 20 && this.processes().length > 0; round += 1) {
      for (const { pid } of this.processes()) kill(pid);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    this.child.stdout?.destroy();
    this.child.stderr?.destroy();
  }

  /** The last of what it said, for messages. */
  tail(lines = 40): string {
    const said = this.logs.slice(-lines).map(({ level, msg, logger }) => `  ${level} ${String(logger ?? '')} ${msg}`);
    return [`The last words of ${this.name}:`, ...said].join('\n');
  }

  private collect(stream: NodeJS.ReadableStream): void {
    let rest = '';
    stream.setEncoding('utf8');
    stream.on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      this.logs.push(...lines.filter((line) => line !== '').map(parseLog));
    });
  }
}

function parseLog(line: string): LogLine {
  try {
    const parsed: unknown = JSON.parse(line);
    if (typeof parsed === 'object' && parsed !== null && 'level' in parsed) return parsed as LogLine;
  } catch {
    // Not a line of ours: what programs print, and what Java or Node say in distress.
  }
  return { level: 0, msg: line };
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}
