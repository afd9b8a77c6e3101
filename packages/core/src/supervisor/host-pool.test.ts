import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../test/support/manual-clock.js';
import type { FromHost, RelayProcess, ToHost } from '../host/host-messages.js';
import { LogLines } from '../runtime/session.fixture.js';
import type { ShardStatus } from '../runtime/shard-status.js';
import { HostPool, type Host, type HostExit, type HostListener } from './host-pool.js';

const relay: RelayProcess = { pid: 1, startTick: '1' };

/** A host in one hand. */
class FakeHost implements Host {
  readonly pid = 7;
  readonly heard: ToHost[] = [];
  killed = false;
  end: (exit: HostExit) => void = () => undefined;
  readonly exited = new Promise<HostExit>((resolve) => {
    this.end = resolve;
  });
  constructor(readonly listener: HostListener) {}
  send(message: ToHost): void {
    this.heard.push(message);
    if (message.kind === 'end') this.end({ how: 'ended with code 0', code: 0, signal: null });
  }
  kill(): void {
    this.killed = true;
    this.end({ how: 'was ended by SIGKILL', code: null, signal: 'SIGKILL' });
  }
  tell(message: FromHost): void {
    this.listener.message(message);
  }
  attached(): string[] {
    return this.heard.flatMap((message) => (message.kind === 'attach' ? [message.sessionId] : []));
  }
}

class World {
  readonly clock = new ManualClock();
  readonly hosts: FakeHost[] = [];
  readonly told: string[] = [];
  readonly logger = new LogLines();
  readonly pool: HostPool;
  readonly inspected: number[] = [];

  constructor(count = 1) {
    this.pool = new HostPool({
      count,
      clock: this.clock,
      logger: this.logger,
      inspector: {
        prepare: () => undefined,
        stackOf: async (pid) => {
          this.inspected.push(pid);
          return '    at handle (order-mailer.js:7:3)';
        },
      },
      retention: Promise.resolve({ app: 86_400_000 }),
      startHost: (_, listener) => {
        const host = new FakeHost(listener);
        this.hosts.push(host);
        return host;
      },
    });
    this.pool.listen('app', {
      known: (sessionId, shardId) => void this.told.push(`known ${sessionId} ${shardId}`),
      ended: (sessionId, end) => void this.told.push(`ended ${sessionId} ${end.kind === 'ended' ? end.why : 'failed'}`),
      status: (shards) => void this.told.push(`status ${shards.length}`),
      stop: (cause) => void this.told.push(`stop ${cause.message}`),
      hostLost: (why) => void this.told.push(`lost ${why}`),
    });
  }

  async started(): Promise<this> {
    const started = this.pool.start();
    for (const host of this.hosts) host.tell({ kind: 'ready' });
    await started;
    return this;
  }
}

describe('a start', () => {
  it('waits for every host', async () => {
    const world = new World(2);
    let started = false;
    void world.pool.start().then(() => (started = true));
    world.hosts[0]?.tell({ kind: 'ready' });
    await world.clock.settle();
    expect(started).toBe(false);

    world.hosts[1]?.tell({ kind: 'ready' });
    await world.clock.settle();
    expect(started).toBe(true);
  });

  it('tells a host that says hello how long streams keep their records', async () => {
    const world = new World();
    void world.pool.start();
    world.hosts[0]?.tell({ kind: 'hello', role: 'host', name: 'host-0', pid: 7 });
    await world.clock.settle();

    expect(world.hosts[0]?.heard).toEqual([{ kind: 'welcome', retentionMs: { app: 86_400_000 } }]);
  });

  it('fails with what a host says is wrong', async () => {
    const world = new World();
    const started = world.pool.start();
    const error = { name: 'MillraceError', code: 'INJECTION_FAILED', message: 'Mailer is not registered' };
    world.hosts[0]?.tell({ kind: 'failed', error, text: '' });

    await expect(started).rejects.toMatchObject({ code: 'INJECTION_FAILED', message: 'Mailer is not registered' });
  });

  it('says that it waits for a host, when that takes long', async () => {
    const world = new World();
    void world.pool.start();
    await world.clock.advance(20_000);

    expect(world.logger.lines).toEqual([{ level: 'warn', message: expect.stringContaining('is still starting') }]);
  });

  it('fails when a host dies without a word', async () => {
    const world = new World();
    const started = world.pool.start();
    world.hosts[0]?.kill();

    await expect(started).rejects.toMatchObject({ code: 'HOST_FAILED' });
  });
});

describe('sessions', () => {
  it('go to the host that has the fewest', async () => {
    const world = await new World(2).started();
    for (const sessionId of ['s1', 's2', 's3', 's4']) world.pool.serve('app', sessionId, relay);

    expect(world.hosts.map((host) => host.attached())).toEqual([
      ['s1', 's3'],
      ['s2', 's4'],
    ]);
  });

  it('do not go to a host that is blocked while another one responds', async () => {
    const world = await new World(2).started();
    await world.clock.advance(3_000);
    world.hosts[1]?.tell({ kind: 'status', shards: {} });
    for (const sessionId of ['s1', 's2']) world.pool.serve('app', sessionId, relay);

    expect(world.hosts.map((host) => host.attached())).toEqual([[], ['s1', 's2']]);
  });

  it('wait while no host is ready', async () => {
    const world = new World();
    void world.pool.start();
    world.pool.serve('app', 's1', relay);
    expect(world.hosts[0]?.attached()).toEqual([]);

    world.hosts[0]?.tell({ kind: 'ready' });
    expect(world.hosts[0]?.attached()).toEqual(['s1']);
  });

  it('are told about to the daemon that they belong to', async () => {
    const world = await new World().started();
    world.pool.serve('app', 's1', relay);
    world.hosts[0]?.tell({ kind: 'known', sessionId: 's1', shardId: 'A' });
    world.hosts[0]?.tell({ kind: 'ended', sessionId: 's1', end: { kind: 'ended', why: 'leaseLost' } });
    world.hosts[0]?.tell({ kind: 'known', sessionId: 's9', shardId: 'B' });

    expect(world.told).toEqual(['known s1 A', 'ended s1 leaseLost']);
  });

  it('of all hosts make up the status of a daemon', async () => {
    const world = await new World(2).started();
    // Only their number counts here.
    const shards = { app: [{}] as unknown as ShardStatus[] };
    for (const host of world.hosts) host.tell({ kind: 'status', shards });

    expect(world.pool.statusOf('app')).toHaveLength(2);
    expect(world.told).toEqual(['status 1', 'status 2']);
  });
});

describe('a host that is lost', () => {
  it('is told before its sessions are ended, and another one takes its place', async () => {
    const world = await new World().started();
    world.pool.serve('app', 's1', relay);
    world.hosts[0]?.kill();
    await world.clock.settle();
    expect(world.hosts).toHaveLength(1);
    await world.clock.advance(200);

    expect(world.told).toEqual(['lost host-0 was ended by SIGKILL', 'ended s1 hostLost']);
    expect(world.hosts).toHaveLength(2);
    expect(world.pool.statusOf('app')).toEqual([]);
  });

  it('is nobody’s loss when it served nothing', async () => {
    const world = await new World().started();
    world.hosts[0]?.kill();
    await world.clock.advance(200);

    expect(world.told).toEqual([]);
    expect(world.hosts).toHaveLength(2);
  });

  it('again and again ends the worker', async () => {
    const world = await new World().started();
    for (let loss = 0; loss < 8; loss += 1) {
      world.hosts.at(-1)?.kill();
      await world.clock.advance(30_000);
    }

    expect(world.hosts).toHaveLength(8);
    expect(world.told.at(-1)).toContain('stop The host process ended 8 times');
  });
});

it('a host that comes after the end began is told to drain, and old words are not taken for its own', async () => {
  const world = await new World().started();
  world.pool.send({ kind: 'drain', applicationName: 'app' });
  const [first] = world.hosts;
  first?.kill();
  await world.clock.advance(200);
  world.hosts[1]?.tell({ kind: 'ready' });
  first?.tell({ kind: 'status', shards: { app: [{}] as unknown as ShardStatus[] } });

  expect(world.hosts[1]?.heard).toEqual([{ kind: 'drain', applicationName: 'app' }]);
  expect(world.pool.statusOf('app')).toEqual([]);
});

describe('a host that is silent', () => {
  it('does not respond after three seconds, and responds again when it speaks', async () => {
    const world = await new World().started();
    await world.clock.advance(3_000);
    expect(world.pool.facts()).toMatchObject([{ id: 'host-0', responding: false, silentMs: 3_000 }]);
    expect(world.logger.lines).toContainEqual(
      expect.objectContaining({ level: 'warn', message: expect.stringContaining('is blocked') }),
    );

    world.hosts[0]?.tell({ kind: 'status', shards: {} });
    await world.clock.advance(1_000);
    expect(world.pool.facts()).toMatchObject([{ responding: true }]);
    expect(world.logger.lines.at(-1)?.message).toContain('responds again');
  });

  it('is looked into once, and told with where it stands', async () => {
    const world = await new World().started();
    await world.clock.advance(5_000);

    expect(world.inspected).toEqual([world.hosts[0]?.pid]);
    expect(world.logger.lines.at(-1)?.message).toContain('at handle (order-mailer.js:7:3)');
    expect(world.pool.facts()).toMatchObject([{ responding: false }]);
  });

  it('is not sent a signal that its program keeps for itself', async () => {
    const world = await new World().started();
    world.hosts[0]?.tell({ kind: 'keepsSigusr1' });
    await world.clock.advance(5_000);

    expect(world.inspected).toEqual([]);
  });
});

describe('the end', () => {
  it('is asked for and waited for', async () => {
    const world = await new World(2).started();
    await world.pool.stop();

    expect(world.hosts.map(({ heard }) => heard.at(-1))).toEqual([{ kind: 'end' }, { kind: 'end' }]);
    expect(world.hosts).toHaveLength(2);
    expect(world.clock.pendingTimers).toBe(0);
  });

  it('is made for a host that does not listen', async () => {
    const world = await new World().started();
    const [host] = world.hosts;
    if (host !== undefined) host.send = () => undefined;
    const stopped = world.pool.stop();
    await world.clock.advance(6_000);
    await stopped;

    expect(host?.killed).toBe(true);
  });
});

describe('a question about a record', () => {
  const question = { applicationName: 'app', recordId: 'a:1:0', wish: 'retry' } as const;

  it('reaches the hosts that serve, and their answer comes back', async () => {
    const world = await new World(2).started();
    const answer = world.pool.ask(question);
    for (const host of world.hosts) expect(host.heard.at(-1)).toEqual({ kind: 'ask', askId: 1, ...question });

    world.hosts[0]?.tell({ kind: 'answer', askId: 1, answer: undefined });
    world.hosts[1]?.tell({ kind: 'answer', askId: 1, answer: { kind: 'done', text: 'It runs again now.' } });

    expect(await answer).toEqual({ kind: 'done', text: 'It runs again now.' });
  });

  it('is over when the host is lost that it was asked of', async () => {
    const world = await new World(1).started();
    const answer = world.pool.ask(question);
    world.hosts[0]?.kill();

    expect(await answer).toBeUndefined();
    expect(await world.pool.ask(question)).toBeUndefined();
  });
});
