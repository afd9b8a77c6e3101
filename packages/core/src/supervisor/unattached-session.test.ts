/** A session whose host could not take its pipes over: the relay lives, Java waits for its answer for ever. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../test/support/manual-clock.js';
import type { JavaExit, JavaProcess } from '../daemon/java-process.js';
import { startTickOf } from '../local/process-birth.js';
import { LogLines } from '../runtime/session.fixture.js';
import { DaemonSupervisor } from './daemon-supervisor.js';

describe('a session that its host could not attach (EMFILE in the host: it cannot read /proc either, so its endRelay does nothing)', () => {
  it('is not left to a relay that nobody serves', async () => {
    const logger = new LogLines();
    const clock = new ManualClock();
    const heard: string[] = [];
    const served: string[] = [];
    const java: JavaProcess = {
      // Our own child plays the relay.
      pid: process.pid,
      exited: new Promise<JavaExit>(() => undefined),
      terminate: () => undefined,
      killSession: () => void heard.push('SIGKILL'),
      lastLines: () => [],
    };
    const supervisor = new DaemonSupervisor({
      applicationName: 'app',
      shutdownGraceMs: 10_000,
      clock,
      logger,
      launch: async () => java,
      servers: {
        serve: (sessionId) => void served.push(sessionId),
        doubt: () => undefined,
        handOff: () => undefined,
        drain: () => undefined,
        leave: () => undefined,
      },
      watchLeases: () => ({ update: () => undefined, close: () => undefined }),
      reaped: async () => undefined,
      requestStop: () => undefined,
      onChange: () => undefined,
    });
    await supervisor.start();
    const relay = spawn('sleep', ['60'], { stdio: 'ignore' });
    await once(relay, 'spawn');
    const pid = relay.pid ?? 0;
    expect(supervisor.admit({ pid, startTick: startTickOf(pid) ?? '' })).toBe(true);

    supervisor.ended(served[0] ?? '', {
      kind: 'failed',
      error: { name: 'MillraceError', message: 'The pipes of relay 1 cannot be taken over: EMFILE' } as never,
    });
    await clock.advance(600_000);
    const relayAlive = startTickOf(pid) !== undefined;
    relay.kill('SIGKILL');

    // The relay is ended, which Java sees, and the daemon starts anew.
    expect({ relayAlive, killed: heard.length > 0 }).toEqual({ relayAlive: false, killed: true });
  });
});
