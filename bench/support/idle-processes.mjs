/** A process for each shard, initialized and idle. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { privateBytes } from './private-bytes.mjs';

export class IdleProcesses {
  children = [];

  constructor({ command, args, env }) {
    this.client = { command, args, env: { ...process.env, ...env, BENCH_REPORT: '/dev/null' } };
  }

  async add(count) {
    const { command, args, env } = this.client;
    const added = Array.from({ length: count }, () => spawn(command, args, { env, stdio: ['pipe', 'pipe', 'ignore'] }));
    this.children.push(...added);
    await Promise.all(
      added.map(async ({ stdin, stdout }, index) => {
        const shardId = `shardId-${this.children.length}-${index}`;
        stdin.write(
          `{"action":"initialize","shardId":"${shardId}","sequenceNumber":"TRIM_HORIZON","subSequenceNumber":0}\n`,
        );
        await once(stdout, 'data');
      }),
    );
  }

  /** Private bytes of each. */
  bytes() {
    return this.children.map(({ pid }) => privateBytes(pid));
  }

  async close() {
    for (const child of this.children) child.kill('SIGKILL');
    await Promise.all(this.children.map((child) => child.exitCode ?? child.signalCode ?? once(child, 'exit')));
  }
}
