import { describe, expect, it } from 'vitest';
import { EXIT_CODES, exitCodeOf } from '../exit-codes.js';
import { LIFECYCLE_LIMITS, stepDaemon, type DaemonInput, type DaemonOutput, type DaemonState } from './lifecycle.js';

const limits = { ...LIFECYCLE_LIMITS, shutdownGraceMs: 10_000 };

class Daemon {
  state: DaemonState = { kind: 'new' };
  readonly outputs: DaemonOutput[] = [];

  take(...inputs: readonly DaemonInput[]): this {
    for (const input of inputs) {
      const step = stepDaemon(this.state, input, limits);
      this.state = step.state;
      this.outputs.push(...step.outputs);
    }
    return this;
  }

  get failure(): Error | undefined {
    return this.state.kind === 'ended' ? this.state.failure : undefined;
  }

  get delays(): readonly number[] {
    return this.outputs.flatMap((output) => (output.kind === 'restarting' ? [output.delayMs] : []));
  }
}

const started = (): Daemon => new Daemon().take({ kind: 'start' });

describe('Java that ends at once again and again (V5)', () => {
  it('is started again after longer pauses, and ends the worker with code 69', () => {
    const daemon = started();
    let atMs = 0;
    for (let life = 1; daemon.state.kind === 'starting' && life < 100; life += 1) {
      daemon.take({ kind: 'exited', atMs, how: 'it ended with exit code 1' }, { kind: 'timer' });
      atMs += daemon.delays.at(-1) ?? 0;
    }

    expect(daemon.delays).toEqual([200, 1_000, 2_000, 5_000, 10_000, 20_000, 30_000]);
    expect(daemon.failure?.message).toBe(
      'The daemon failed 8 times within 300 s; the last time it ended with exit code 1.',
    );
    expect(exitCodeOf(daemon.failure)).toBe(EXIT_CODES.daemonFailed);
    expect(daemon.outputs.filter(({ kind }) => kind === 'launch')).toHaveLength(8);
  });

  it('does not end the worker when the failures lie far apart', () => {
    const daemon = started();
    for (let life = 1; life <= 50; life += 1)
      daemon.take({ kind: 'exited', atMs: life * 60_000, how: 'it ended' }, { kind: 'timer' });

    expect(daemon.state.kind).toBe('starting');
    expect(Math.max(...daemon.delays)).toBe(10_000);
  });

  it('forgets its failures when it has served for a whole window', () => {
    const daemon = started();
    for (let life = 1; life <= 6; life += 1)
      daemon.take({ kind: 'exited', atMs: life, how: 'it ended' }, { kind: 'timer' });
    daemon.take({ kind: 'initialized', atMs: 100 }, { kind: 'exited', atMs: 300_100, how: 'it ended' });

    expect(daemon.delays.at(-1)).toBe(200);
  });
});

describe('a worker that is stopped', () => {
  it.each<{ name: string; inputs: readonly DaemonInput[] }>([
    { name: 'in a pause', inputs: [{ kind: 'exited', atMs: 0, how: 'it ended' }] },
    {
      name: 'while Java ends for a restart',
      inputs: [{ kind: 'broken', why: 'a host is lost' }, { kind: 'timer' }],
    },
    { name: 'while sessions leave', inputs: [{ kind: 'broken', why: 'a host is lost' }] },
  ])('$name does not start Java again', ({ inputs }) => {
    const daemon = started().take(...inputs, { kind: 'stop', cause: undefined });
    daemon.take({ kind: 'timer' }, { kind: 'exited', atMs: 1, how: 'it ended' }, { kind: 'timer' });

    expect(daemon.state).toEqual({ kind: 'ended', failure: undefined });
    expect(daemon.outputs.filter(({ kind }) => kind === 'launch')).toHaveLength(1);
  });

  it('ends Java when its sessions are gone, or when the grace is over', () => {
    for (const last of ['sessionsGone', 'timer'] as const) {
      const daemon = started().take({ kind: 'initialized', atMs: 0 }, { kind: 'stop', cause: undefined });
      expect(daemon.outputs).toContainEqual({ kind: 'arm', delayMs: 10_000 });
      expect(daemon.outputs).not.toContainEqual({ kind: 'kill' });
      expect(daemon.take({ kind: last }).outputs.at(-1)).toEqual({ kind: 'kill' });
    }
  });
});
