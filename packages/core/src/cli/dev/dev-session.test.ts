import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../test/support/manual-clock.js';
import { EXIT_CODES } from '../../exit-codes.js';
import type { DevEvent, FromWorker, ToWorker } from './dev-events.js';
import { DevSession, type ChildExit, type DevChild } from './dev-session.js';

interface TestChild extends DevChild {
  readonly heard: ToWorker[];
  killed: boolean;
  exit(exit: Partial<ChildExit>): void;
  say(message: FromWorker): void;
}

function testChild(pid: number, listener: (message: FromWorker) => void): TestChild {
  let exit: (exit: ChildExit) => void = () => undefined;
  const exited = new Promise<ChildExit>((resolve) => {
    exit = resolve;
  });
  const child: TestChild = {
    pid,
    heard: [],
    killed: false,
    exited,
    send: (message) => void child.heard.push(message),
    kill: () => {
      child.killed = true;
      exit({ exitCode: undefined, signal: 'SIGKILL' });
    },
    exit: (how) => exit({ exitCode: undefined, signal: undefined, ...how }),
    say: listener,
  };
  return child;
}

const KINESIS = { endpoint: 'http://127.0.0.1:1', region: 'us-east-1' };

function start(options: { readonly watch: boolean; readonly emulatorFails?: Error }) {
  const clock = new ManualClock();
  const children: TestChild[] = [];
  const events: DevEvent[] = [];
  const session = new DevSession({
    clock,
    watch: options.watch,
    startChild: (listener) => {
      const child = testChild(100 + children.length, listener);
      children.push(child);
      return child;
    },
    emit: (event) => void events.push(event),
    provideEmulators: ({ dynamoDb }) =>
      options.emulatorFails === undefined
        ? Promise.resolve({ kinesis: KINESIS, dynamoDb: dynamoDb ? 'http://127.0.0.1:2' : undefined })
        : Promise.reject(options.emulatorFails),
  });
  let ended: unknown;
  session.ended.then(
    (exitCode) => (ended = exitCode),
    (error: unknown) => (ended = error),
  );
  session.start();
  return {
    clock,
    session,
    children,
    child: (index: number) => children[index]!,
    kinds: () => events.map((event) => event.kind),
    ended: () => ended,
    interrupt: () => session.stop('Stopping', EXIT_CODES.forcedByInterrupt),
  };
}

const loaded = (graceMs: number): FromWorker => ({ kind: 'consumersLoaded', consumers: [], graceMs });

describe('ending', () => {
  it('asks the worker to end and takes its exit code', async () => {
    const test = start({ watch: true });
    test.interrupt();
    expect(test.child(0).heard).toEqual([{ kind: 'stop' }]);
    test.child(0).exit({ exitCode: 0 });
    await test.clock.settle();
    expect(test.ended()).toBe(0);
    expect(test.clock.pendingTimers).toBe(0);
  });

  it('kills at the second request, with the code of that', async () => {
    const test = start({ watch: true });
    test.interrupt();
    test.interrupt();
    await test.clock.settle();
    expect(test.child(0).killed).toBe(true);
    expect(test.ended()).toBe(130);
  });

  it('kills a worker that does not end within its own grace and five seconds', async () => {
    const test = start({ watch: true });
    test.child(0).say(loaded(20_000));
    test.interrupt();
    await test.clock.advance(24_999);
    expect(test.child(0).killed).toBe(false);
    await test.clock.advance(1);
    expect(test.child(0).killed).toBe(true);
    expect(test.ended()).toBe(1);
  });

  it('gives a worker that has not said its grace ten seconds', async () => {
    const test = start({ watch: true });
    test.interrupt();
    await test.clock.advance(10_000);
    expect(test.child(0).killed).toBe(true);
  });

  it('is immediate while no worker runs', async () => {
    const test = start({ watch: true });
    test.child(0).exit({ exitCode: 2 });
    await test.clock.settle();
    test.interrupt();
    await test.clock.settle();
    expect(test.ended()).toBe(0);
  });

  it('follows a request that comes during a restart', async () => {
    const test = start({ watch: true });
    test.session.restart('a.ts');
    test.interrupt();
    test.child(0).exit({ exitCode: 0 });
    await test.clock.settle();
    expect(test.children).toHaveLength(1);
    expect(test.ended()).toBe(0);
  });
});

describe('a change', () => {
  it('starts the next worker when the last one is gone, not before', async () => {
    const test = start({ watch: true });
    test.session.restart('a.ts');
    await test.clock.settle();
    expect(test.children).toHaveLength(1);
    test.child(0).exit({ exitCode: 0 });
    await test.clock.settle();
    expect(test.children).toHaveLength(2);
    expect(test.ended()).toBeUndefined();
  });

  it('during a restart asks for nothing more', async () => {
    const test = start({ watch: true });
    test.session.restart('a.ts');
    test.session.restart('b.ts');
    expect(test.child(0).heard).toEqual([{ kind: 'stop' }]);
  });

  it('starts a worker that had ended by itself', async () => {
    const test = start({ watch: true });
    test.child(0).exit({ exitCode: 2 });
    await test.clock.settle();
    expect(test.kinds()).toContain('waitingForChange');
    test.session.restart('a.ts');
    expect(test.children).toHaveLength(2);
  });

  it('replaces a worker that does not end, by force', async () => {
    const test = start({ watch: true });
    test.session.restart('a.ts');
    await test.clock.advance(10_000);
    expect(test.child(0).killed).toBe(true);
    expect(test.children).toHaveLength(2);
  });
});

describe('without watching', () => {
  it.each([
    [{ exitCode: 75 }, 75],
    [{ exitCode: 0 }, 0],
    [{ signal: 'SIGSEGV' }, 1],
  ])('the end of the worker is the end', async (exit, exitCode) => {
    const test = start({ watch: false });
    test.child(0).exit(exit);
    await test.clock.settle();
    expect(test.ended()).toBe(exitCode);
  });
});

describe('the endpoint', () => {
  it('is given to the worker that asks for it', async () => {
    const test = start({ watch: true });
    test.child(0).say({ kind: 'emulatorsNeeded', kinesis: true, dynamoDb: true });
    await test.clock.settle();
    expect(test.child(0).heard).toEqual([{ kind: 'emulators', kinesis: KINESIS, dynamoDb: 'http://127.0.0.1:2' }]);
  });

  it('that cannot be provided ends the command with its error, when the worker is gone', async () => {
    const failure = new Error('no emulator');
    const test = start({ watch: true, emulatorFails: failure });
    test.child(0).say({ kind: 'emulatorsNeeded', kinesis: true, dynamoDb: true });
    await test.clock.settle();
    expect(test.ended()).toBeUndefined();
    test.child(0).exit({ exitCode: 0 });
    await test.clock.settle();
    expect(test.ended()).toBe(failure);
  });
});
