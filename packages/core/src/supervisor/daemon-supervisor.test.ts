import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../test/support/manual-clock.js';
import type { JavaExit } from '../daemon/java-process.js';
import type { LeaseVerdict, WatchedSession } from '../daemon/lease-watch.js';
import { MillraceError } from '../errors.js';
import { startTickOf } from '../local/process-birth.js';
import { LogLines } from '../runtime/session.fixture.js';
import type { ShardStatus } from '../runtime/shard-status.js';
import { DaemonSupervisor, type DaemonSupervisorOptions } from './daemon-supervisor.js';

/** Java as far as anybody here sees it: it ends when it is told, or when a test says so. */
class FakeJava {
  readonly heard: string[] = [];
  end: (exit: JavaExit) => void = () => undefined;
  readonly exited = new Promise<JavaExit>((resolve) => {
    this.end = resolve;
  });
  constructor(
    private readonly last: readonly string[] = [],
    readonly pid = 1,
  ) {}
  terminate(): void {
    this.heard.push('SIGTERM');
  }
  killSession(): void {
    this.heard.push('SIGKILL');
    this.end({ signal: 'SIGKILL' });
  }
  lastLines(): readonly string[] {
    return this.last;
  }
}

class World {
  readonly clock = new ManualClock();
  readonly javas: FakeJava[] = [];
  readonly asked: string[] = [];
  readonly stops: Error[] = [];
  readonly watched: (readonly WatchedSession[])[] = [];
  readonly logger = new LogLines();
  reaped = 0;
  judge: (sessionId: string, verdict: LeaseVerdict) => void = () => undefined;
  launch: () => Promise<FakeJava> = async () => new FakeJava();
  readonly supervisor: DaemonSupervisor;

  constructor(options: Partial<DaemonSupervisorOptions> = {}) {
    this.supervisor = new DaemonSupervisor({
      applicationName: 'app',
      shutdownGraceMs: 10_000,
      clock: this.clock,
      logger: this.logger,
      launch: async () => {
        const java = await this.launch();
        this.javas.push(java);
        return java;
      },
      servers: {
        serve: (sessionId) => void this.asked.push(`serve ${sessionId}`),
        doubt: (sessionId, why) => void this.asked.push(`doubt ${sessionId}: ${why}`),
        handOff: (sessionId) => void this.asked.push(`handOff ${sessionId}`),
        drain: () => void this.asked.push('drain'),
        leave: () => void this.asked.push('leave'),
      },
      watchLeases: (onVerdict) => {
        this.judge = onVerdict;
        return { update: (sessions) => void this.watched.push(sessions), close: () => undefined };
      },
      reaped: async () => {
        this.reaped += 1;
      },
      requestStop: (cause) => void this.stops.push(cause),
      onChange: () => undefined,
      ...options,
    });
  }

  async started(...sessions: readonly (readonly [sessionId: string, shardId: string])[]): Promise<this> {
    await this.supervisor.start();
    for (const [sessionId, shardId] of sessions) {
      this.supervisor.admitChild(sessionId);
      this.supervisor.known(sessionId, shardId);
    }
    return this;
  }

  get state(): string {
    return this.supervisor.facts().state;
  }
}

const leaseLost = { kind: 'ended', why: 'leaseLost' } as const;

describe('an orderly stop', () => {
  it('ends Java as soon as every session has said goodbye, and gives up what it held', async () => {
    const world = await new World().started(['s1', 'A'], ['s2', 'B']);
    world.supervisor.requestEnd(undefined);
    expect(world.javas[0]?.heard).toEqual(['SIGTERM']);

    world.supervisor.ended('s1', leaseLost);
    expect(world.javas[0]?.heard).toEqual(['SIGTERM']);
    world.supervisor.ended('s2', leaseLost);

    expect(await world.supervisor.closed).toBeUndefined();
    // Once to end it, and once for what it may have left in its session.
    expect(world.javas[0]?.heard).toEqual(['SIGTERM', 'SIGKILL', 'SIGKILL']);
    expect(world.reaped).toBe(1);
    expect(world.clock.pendingTimers).toBe(0);
  });

  it('does not wait longer than the grace for a session that does not end', async () => {
    const world = await new World().started(['s1', 'A']);
    world.supervisor.requestEnd(undefined);
    await world.clock.advance(9_999);
    expect(world.javas[0]?.heard).toEqual(['SIGTERM']);
    await world.clock.advance(1);

    expect(await world.supervisor.closed).toBeUndefined();
  });

  it('ends a Java at once that has no sessions', async () => {
    const world = await new World().started();
    world.supervisor.requestEnd(undefined);

    expect(await world.supervisor.closed).toBeUndefined();
  });

  it('ends a Java that was just being started', async () => {
    let run: (java: FakeJava) => void = () => undefined;
    const world = new World();
    world.launch = () => new Promise((resolve) => (run = resolve));
    const starting = world.supervisor.start();
    await world.clock.settle();
    world.supervisor.requestEnd(undefined);
    run(new FakeJava());

    await starting;
    expect(await world.supervisor.closed).toBeUndefined();
    expect(world.javas[0]?.heard.at(-1)).toBe('SIGKILL');
  });

  it('tells the cause that asked for it', async () => {
    const cause = new MillraceError('STOP_WORKER', 'enough');
    const world = await new World().started();
    world.supervisor.requestEnd(cause);

    expect(await world.supervisor.closed).toBe(cause);
  });
});

describe('a failure', () => {
  it.each([
    [{ code: 0 }, 'gave up by itself (exit code 0)'],
    [{ code: 1 }, 'exit code 1'],
    [{ code: 3 }, 'out of memory'],
    [{ signal: 'SIGKILL' }, 'ended by SIGKILL'],
  ] as [JavaExit, string][])('of Java with %o starts it again and says so: %s', async (exit, text) => {
    const world = await new World().started(['s1', 'A']);
    world.javas[0]?.end(exit);
    await world.clock.advance(1_000);

    expect(world.javas).toHaveLength(2);
    expect(world.logger.lines).toContainEqual({ level: 'error', message: expect.stringContaining(text) });
    expect(world.reaped).toBe(1);
  });

  it('says what Java said last', async () => {
    const world = new World();
    world.launch = async () => new FakeJava(['WARN no credentials', 'ERROR giving up']);
    await world.started();
    world.javas[0]?.end({ code: 0 });
    await world.clock.settle();

    expect(world.logger.lines.at(-1)?.message).toContain('ERROR giving up');
  });

  it('of Java ends what it may have left in its session: relays that have not rung, children that do not hear', async () => {
    const world = await new World().started();
    world.javas[0]?.end({ code: 1 });
    await world.clock.settle();

    expect(world.javas[0]?.heard).toEqual(['SIGKILL']);
  });

  it('of a host to take a relay over ends the relay, for which Java would wait for ever, and starts the daemon anew', async () => {
    const world = new World();
    // Our own child plays the relay.
    world.launch = async () => new FakeJava([], process.pid);
    await world.started();
    const relay = spawn('sleep', ['60'], { stdio: 'ignore' });
    await once(relay, 'spawn');
    const { pid = 0 } = relay;
    expect(world.supervisor.admit({ pid, startTick: startTickOf(pid) ?? '' })).toBe(true);

    const error = { name: 'MillraceError', code: 'TRANSPORT_FAILED', message: 'EMFILE' };
    world.supervisor.ended('app#1', { kind: 'failed', error });
    const [, signal] = (await once(relay, 'exit')) as [null, string];

    expect(signal).toBe('SIGKILL');
    expect(world.asked).toEqual(['serve app#1', 'leave']);
  });

  it('of the first launch is told to whoever starts it', async () => {
    const world = new World();
    world.launch = async () => {
      throw new MillraceError('JAVA_UNUSABLE', 'no Java');
    };

    await expect(world.supervisor.start()).rejects.toMatchObject({ code: 'JAVA_UNUSABLE' });
  });

  it('of a session, which the daemon would notice late or never, starts the daemon anew at once', async () => {
    const world = await new World().started(['s1', 'A'], ['s2', 'B']);
    world.supervisor.ended('s1', { kind: 'ended', why: 'endOfInput' });
    expect(world.asked).toContain('leave');
    world.supervisor.ended('s2', { kind: 'ended', why: 'left' });
    await world.clock.advance(1_000);

    expect(world.javas).toHaveLength(2);
    expect(world.supervisor.facts().why).toContain('the session of A was cut off');
  });

  it('of a session that no shard was given yet is no reason for that', async () => {
    const world = await new World().started();
    world.supervisor.admitChild('s1');
    world.supervisor.ended('s1', { kind: 'ended', why: 'endOfInput' });
    await world.clock.advance(1_000);

    expect(world.javas).toHaveLength(1);
  });

  it('of a host does not wait for its own sessions, and not long for those of others', async () => {
    const world = await new World().started(['s1', 'A'], ['s2', 'B']);
    world.supervisor.hostLost('host-0 was ended by SIGKILL');
    world.supervisor.ended('s1', { kind: 'ended', why: 'hostLost' });
    expect(world.javas[0]?.heard).toEqual([]);
    await world.clock.advance(3_000);
    expect(world.javas[0]?.heard[0]).toBe('SIGKILL');
    await world.clock.advance(1_000);

    expect(world.state).toBe('starting');
    expect(world.supervisor.facts()).toMatchObject({ restarts: 1, why: 'host-0 was ended by SIGKILL' });
  });
});

describe('sessions', () => {
  it('of a shard put the older one in doubt, in whatever process it is', async () => {
    const world = await new World().started(['s1', 'A'], ['s2', 'A']);

    expect(world.asked).toEqual(['doubt s1: a younger session of A has started']);
  });

  it.each([
    ['lost', ['doubt s1: its lease row names another owner']],
    ['handedOver', ['handOff s1']],
    ['ours', []],
  ] as [LeaseVerdict, string[]][])('whose lease is %s are told', async (verdict, asked) => {
    const world = await new World().started(['s1', 'A']);
    world.judge('s1', verdict);

    expect(world.asked).toEqual(asked);
  });

  it('are handed to the lease watch with the time that their action has been open', async () => {
    const world = await new World().started(['s1', 'A']);
    const status = { sessionId: 's1', shardId: 'A', action: { name: 'processRecords', openMs: 12_000 } };
    const idle = { sessionId: 's2', shardId: 'B', action: undefined };
    // Only what the watch reads.
    world.supervisor.status([status, idle, { ...idle, shardId: undefined }] as unknown as ShardStatus[]);

    expect(world.watched).toEqual([
      [
        { sessionId: 's1', shardId: 'A', openMs: 12_000 },
        { sessionId: 's2', shardId: 'B', openMs: 0 },
      ],
    ]);
  });

  it('that want the end of the worker are passed on, not obeyed', async () => {
    const world = await new World().started(['s1', 'A']);
    world.supervisor.stop(new MillraceError('STOP_WORKER', 'enough'));

    expect(world.stops).toHaveLength(1);
    expect(world.state).toBe('serving');
  });

  it('of processes that our Java has not started are not taken in', async () => {
    const world = await new World().started();

    expect(world.supervisor.admit({ pid: process.pid, startTick: '1' })).toBe(false);
  });
});
