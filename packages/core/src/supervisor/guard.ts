/** The guard script: it ends the daemon and the hosts when this process is killed and can end nothing any more. */
import { spawn, type ChildProcess } from 'node:child_process';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startTickOf } from '../local/process-birth.js';
import type { Logger } from '../ports.js';
import { GUARD } from './private-folder.js';

export interface GuardOptions {
  /** With the door open in it. */
  readonly folder: string;
  readonly logger: Logger;
  /** Descriptors that stay open for as long as the guard lives: the locks on worker ids. */
  readonly keepOpen: () => readonly number[];
}

/** A guard that somebody kills is started again, this often. */
const RESTARTS_MAX = 5;

export class Guard {
  private child: ChildProcess | undefined;
  private readonly wards = new Map<number, string>();
  private writing: Promise<void> = Promise.resolve();
  private restarts = 0;
  private closed = false;

  constructor(private readonly options: GuardOptions) {}

  async start(): Promise<void> {
    await this.write();
    this.launch();
  }

  /** Leaders of process groups that must not outlive us. */
  async protect(pid: number): Promise<void> {
    const startTick = startTickOf(pid);
    if (startTick === undefined) return;
    this.wards.set(pid, startTick);
    await this.write();
  }

  async release(pid: number): Promise<void> {
    if (this.wards.delete(pid)) await this.write();
  }

  /** A new guard, which also keeps descriptors open that are new since the last one. */
  renew(): void {
    const old = this.child;
    this.launch();
    old?.removeAllListeners('exit').kill('SIGKILL');
  }

  /** Nothing is left to guard; resolves when its folder is not written to any more. */
  async close(): Promise<void> {
    this.closed = true;
    this.child?.kill('SIGKILL');
    // Whoever asked for the last one has been told how it went.
    await this.writing.catch(() => undefined);
  }

  private launch(): void {
    const { folder, keepOpen, logger } = this.options;
    const child = spawn('/bin/sh', [join(folder, GUARD), folder], {
      // In a session of its own: what ends us and our group must not end it.
      detached: true,
      stdio: ['ignore', 'ignore', 'ignore', ...keepOpen()],
    });
    this.child = child;
    child.on('error', (error) => logger.warn({ err: error }, 'The guard of the daemon could not be started.'));
    child.once('exit', () => {
      if (this.closed || this.restarts === RESTARTS_MAX) return;
      this.restarts += 1;
      logger.warn({}, 'The guard of the daemon has ended; another one takes its place.');
      this.launch();
    });
    child.unref();
  }

  /** One write after the other; a reader sees the old list or the new one. */
  private write(): Promise<void> {
    // One that failed does not keep the next from being tried.
    const last = this.writing.catch(() => undefined);
    this.writing = last.then(async () => {
      if (this.closed) return;
      const lines = [...this.wards].map(([pid, startTick]) => `${pid} ${startTick}\n`);
      const draft = join(this.options.folder, 'wards.draft');
      await writeFile(draft, lines.join(''), { mode: 0o600 });
      await rename(draft, join(this.options.folder, 'wards'));
    });
    return this.writing;
  }
}
