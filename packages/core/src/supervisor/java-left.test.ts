/** Java ends by itself (exit 1, out of memory, an oom-killer): what it left in its session is ended by nobody. */
import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../test/support/manual-clock.js';
import type { JavaExit } from '../daemon/java-process.js';
import { LogLines } from '../runtime/session.fixture.js';
import { DaemonSupervisor } from './daemon-supervisor.js';

describe('a Java that ends by itself', () => {
  it('leaves no relay that has not rung yet, and no child of process mode that is blocked', async () => {
    const heard: string[] = [];
    const clock = new ManualClock();
    const ends: ((exit: JavaExit) => void)[] = [];
    const supervisor = new DaemonSupervisor({
      applicationName: 'app',
      shutdownGraceMs: 10_000,
      clock,
      logger: new LogLines(),
      launch: async () => {
        const life = ends.length;
        const exited = new Promise<JavaExit>((resolve) => ends.push(resolve));
        return {
          pid: 1,
          exited,
          terminate: () => undefined,
          killSession: () => void heard.push(`SIGKILL to session ${life}`),
          lastLines: () => [],
        };
      },
      servers: {
        serve: () => undefined,
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
    ends[0]?.({ code: 1 });
    await clock.advance(60_000);

    expect(heard).toContain('SIGKILL to session 0');
  });
});
