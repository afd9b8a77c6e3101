import { describe, expect, it } from 'vitest';
import type { RecordContext } from '../definition/context.js';
import { batchHandler, recordHandler } from '../definition/define-consumer.js';
import type { ContainerPort, LogFields, Logger, Scope } from '../ports.js';
import { contextLogger, currentContext, currentRecord } from './current-context.js';
import { TestSession } from './session.fixture.js';

/** What a service far from the handler sees. */
const seen = (): unknown => currentRecord()?.record.sequenceNumber.slice(-1);

type Handle = (payload: { readonly n: number }, context: RecordContext) => unknown;
async function session(handle: Handle, container?: ContainerPort): Promise<TestSession> {
  const typed = handle as (payload: unknown, context: RecordContext) => unknown;
  const handlers = [recordHandler({ name: 'placed', handle: typed })];
  const options = container === undefined ? {} : { container };
  const test = new TestSession({ handlers, checkpoint: 'batch', retry: { attempts: 1, then: 'skip' } }, options);
  await test.initialize();
  return test;
}

describe('currentRecord', () => {
  it('is the record of the code that runs, through awaits, timers and callbacks, and nothing outside', async () => {
    const found: unknown[] = [];
    const test = await session(async (_, context) => {
      found.push(currentRecord() === context && currentContext() === context);
      await Promise.resolve();
      found.push(seen());
      await new Promise<void>((resolve) => setImmediate(resolve));
      found.push(seen());
      queueMicrotask(() => found.push(seen()));
    });

    await test.deliver(1, 2);

    expect(found).toEqual([true, '1', '1', '1', true, '2', '2', '2']);
    expect(currentRecord()).toBeUndefined();
    expect(currentContext()).toBeUndefined();
  });

  it('is nothing in a batch handler, which has a context all the same, and in a hook', async () => {
    const found: unknown[] = [];
    const note = (): void => void found.push(currentRecord(), currentContext() !== undefined);
    const handlers = [batchHandler({ name: 'all', handle: note })];
    const test = new TestSession({ handlers, hooks: { initialize: note } });
    await test.initialize();

    await test.deliver(1);

    expect(found).toEqual([undefined, false, undefined, true]);
  });
});

class FieldLog implements Logger {
  readonly lines: LogFields[] = [];
  debug = (fields: LogFields): void => void this.lines.push(fields);
  info = this.debug;
  warn = this.debug;
  error = this.debug;
}

describe('log lines', () => {
  it('say which record, handler and attempt they belong to', async () => {
    const log = new FieldLog();
    const handlers = [recordHandler({ name: 'placed', handle: (_, context) => context.log.info({ own: 1 }, 'x') })];
    const test = new TestSession({ handlers });
    Object.assign(test.log, { info: (fields: LogFields) => void log.lines.push(fields) });
    await test.initialize();

    await test.deliver(1);

    const [line] = log.lines;
    const id = String(line?.['recordId']);
    expect(line).toEqual({
      shardId: 'shardId-000000000000',
      sequenceNumber: id.split(':')[1],
      subSequenceNumber: 0,
      recordId: expect.stringMatching(/^shardId-000000000000:\d+:0$/),
      handler: 'placed',
      attempt: 1,
      own: 1,
    });
  });

  it('of a batch say which handler and attempt they belong to', async () => {
    const log = new FieldLog();
    const handlers = [batchHandler({ name: 'all', handle: (_, context) => context.log.info({}, 'x') })];
    const test = new TestSession({ handlers });
    Object.assign(test.log, { info: (fields: LogFields) => void log.lines.push(fields) });
    await test.initialize();
    await test.deliver(1);
    expect(log.lines).toEqual([{ shardId: 'shardId-000000000000', handler: 'all', attempt: 1 }]);
  });

  it('of a service are those of the context it runs in, and plain outside of any', async () => {
    const base = new FieldLog();
    const service = contextLogger(base);
    const inside: LogFields[] = [];
    const test = await session(() => {
      for (const level of ['debug', 'info', 'warn', 'error'] as const) service[level]({ own: level }, 'x');
    });
    for (const level of ['debug', 'info', 'warn', 'error'] as const)
      Object.assign(test.log, { [level]: (fields: LogFields) => void inside.push(fields) });

    service.info({ own: 0 }, 'before');
    await test.deliver(1);

    expect(base.lines).toEqual([{ own: 0 }]);
    expect(inside.filter((fields) => 'own' in fields)).toMatchObject(
      ['debug', 'info', 'warn', 'error'].map((own) => ({ own, handler: 'placed', attempt: 1 })),
    );
  });
});

/** A container whose inner scopes tell what happens to them. */
class Scopes implements ContainerPort {
  readonly told: string[] = [];
  opened = 0;
  disposing: Promise<void> = Promise.resolve();
  async openScope(): Promise<Scope> {
    return {
      resolve: () => Promise.reject(new Error('nothing is registered')),
      openChild: async () => this.child(),
      dispose: async () => void this.told.push('lease'),
    };
  }
  private child(): Scope {
    const name = (this.opened += 1);
    return {
      resolve: async <T>(token: unknown) => `${String(token)} of ${name}` as T,
      dispose: async () => {
        await this.disposing;
        this.told.push(`child ${name}`);
      },
    };
  }
}

describe('context.resolve', () => {
  it('opens a scope for each attempt that asks, and disposes it before the record is settled', async () => {
    const container = new Scopes();
    const found: unknown[] = [];
    const test = await session(async ({ n }, context) => {
      if (n === 2) return;
      found.push(await context.resolve('a'), await context.resolve('b'));
      container.told.push(`handler ${n}`);
    }, container);

    await test.deliver(1, 2, 3);

    expect(found).toEqual(['a of 1', 'b of 1', 'a of 2', 'b of 2']);
    expect(container.told).toEqual(['handler 1', 'child 1', 'handler 3', 'child 2']);
  });

  it('is disposed after a failure, too, and a failed disposal is logged and no failure of the record', async () => {
    const container = new Scopes();
    container.disposing = Promise.reject(new Error('stuck connection'));
    container.disposing.catch(() => undefined);
    const test = await session(async ({ n }, context) => {
      await context.resolve('a');
      if (n === 1) throw new Error('no');
    }, container);

    await test.deliver(1, 2);

    expect(test.settled).toEqual(['1:skipped', '2:handled']);
    expect(test.log.lines.filter(({ message }) => message.includes('not disposed cleanly'))).toHaveLength(2);
  });

  it('does not wait for ever for a disposal', async () => {
    const container = new Scopes();
    container.disposing = new Promise(() => undefined);
    const test = await session((_, context) => void context.resolve('a'), container);

    const delivered = test.offer(1);
    await test.clock.advance(5_000);
    await delivered;

    expect(test.settled).toEqual(['1:handled']);
  });

  it('gives nothing after the handler has ended', async () => {
    let kept: RecordContext | undefined;
    const test = await session((_, context) => void (kept = context), new Scopes());
    await test.deliver(1);
    await expect(kept?.resolve('a')).rejects.toMatchObject({ code: 'CONTEXT_EXPIRED' });
  });

  it('leaves what a handler has that was given up until it ends', async () => {
    const container = new Scopes();
    let finish = (): void => undefined;
    const test = await session(async (_, context) => {
      await context.resolve('a');
      await new Promise<void>((resolve) => (finish = resolve));
    }, container);

    void test.offer(1).catch(() => undefined);
    await test.clock.settle();
    test.runner.doubt('somebody else has the lease');
    await test.clock.settle();
    expect(container.told).toEqual([]);
    finish();
    await test.clock.settle();

    expect(container.told).toEqual(['child 1']);
  });

  it('says what it needs of a container that has no inner scopes', async () => {
    const failures: unknown[] = [];
    const test = await session(async (_, context) => {
      await context.resolve('a').catch((error: unknown) => void failures.push(error));
    });
    await test.deliver(1);
    expect(failures).toMatchObject([{ code: 'INJECTION_FAILED', message: expect.stringContaining('openChild()') }]);
    expect(test.settled).toEqual(['1:handled']);
  });
});
