/** A worker as the child of a daemon, on pipes such as Java makes, with the daemon's side of its session. */
import { ShardDaemon } from '../../src/local/shard-daemon.js';
import type { CheckpointTarget } from '../../src/protocol/messages.js';
import { PipeChannel } from './pipe-channel.js';
import { spawnOnPipes, type WorkerProcess } from './worker-process.js';

export class StdioChild {
  readonly process: WorkerProcess;
  readonly stored: CheckpointTarget[] = [];
  readonly misbehaviour: string[] = [];
  readonly daemon: ShardDaemon;
  readonly exited: Promise<number | null>;
  stderr = '';

  /** @param command - arguments of Node. */
  constructor(command: readonly string[], cwd: string, env: Readonly<Record<string, string>> = {}) {
    this.process = spawnOnPipes(command, { cwd, env: { MILLRACE_ENGINE: 'stdio', ...env } });
    this.process.stderr.on('data', (chunk) => {
      this.stderr += String(chunk);
    });
    this.exited = this.process.exited;
    this.daemon = new ShardDaemon({
      shardId: 'shardId-000000000000',
      channel: new PipeChannel(this.process),
      store: { put: async (_, target) => void this.stored.push(target) },
      observer: { onMisbehaviour: ({ kind }) => this.misbehaviour.push(kind) },
    });
  }

  async start(): Promise<void> {
    await this.daemon.initialize({ sequenceNumber: 'TRIM_HORIZON', subSequenceNumber: 0 });
  }

  /** The lease is lost, and input ends. @returns the exit code */
  async end(): Promise<number | null> {
    await this.daemon.leaseLost();
    await this.daemon.end();
    return this.exited;
  }
}
