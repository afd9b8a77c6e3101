/** One handler, no stream. */
import {
  batchHandler,
  CheckpointPolicy,
  defineConsumer,
  injectable,
  isMillraceError,
  KinesisConsumer,
  NonRetryableError,
  OnBatch,
  OnRecord,
  recordHandler,
  StopWorkerError,
  type Batch,
  type RecordContext,
} from '@millrace/core';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { handler } from '../src/handler.js';
import { records } from '../src/record-builders.js';
import { Mailer, MoodyMailer, OrderMailer, OrderPlaced } from './orders.fixture.js';

const Deferring = z.object({ type: z.literal('defer'), done: z.boolean().default(false) });
const Sleeping = z.object({ type: z.literal('sleep'), ms: z.number() });

@KinesisConsumer('events', 'everything', { discriminator: 'type', decode: 'json' })
@CheckpointPolicy('manual')
@injectable()
class Everything {
  readonly seen: unknown[] = [];

  @OnRecord({ type: 'commit' })
  async commit(_payload: unknown, context: RecordContext): Promise<void> {
    await context.checkpoint();
  }

  @OnRecord({ type: 'defer', schema: Deferring })
  defer(payload: z.infer<typeof Deferring>, context: RecordContext): void {
    const deferred = context.defer();
    if (payload.done) deferred.done();
  }

  @OnRecord({ type: 'sleep', schema: Sleeping })
  async sleep(payload: z.infer<typeof Sleeping>, context: RecordContext): Promise<void> {
    await context.sleep(payload.ms);
    context.log.info({ ms: payload.ms }, 'slept');
  }

  @OnRecord({ type: 'hang' })
  hang(_payload: unknown, { signal }: RecordContext): Promise<void> {
    return new Promise((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as Error));
    });
  }

  @OnRecord({ type: 'deaf' })
  deaf(_payload: unknown): Promise<void> {
    return new Promise(() => undefined);
  }

  @OnRecord({ type: 'stop' })
  stop(_payload: unknown): void {
    throw new StopWorkerError('no more');
  }
}

@KinesisConsumer('rows', 'rows')
@injectable()
class Rows {
  @OnBatch({ schema: OrderPlaced })
  insert(batch: Batch<OrderPlaced>): void {
    for (const item of batch) if (item.value.id === 'bad') item.fail(new NonRetryableError('duplicate key'));
  }
}

describe('run', () => {
  it('gives the handler what a record with this payload would give it', async () => {
    const mailer = new MoodyMailer();

    const outcome = await handler(OrderMailer, 'placed', { overrides: [{ token: Mailer, useValue: mailer }] }).run({
      id: 'o-1',
      customer: 'c-1',
    });

    expect(outcome).toMatchObject({ kind: 'handled', error: undefined, checkpoints: 0 });
    expect(mailer.sent).toEqual(['o-1']);
  });

  it('runs it once: what it throws is the outcome', async () => {
    const mailer = new MoodyMailer();
    mailer.refuses.set('o-1', 1);
    const options = { overrides: [{ token: Mailer, useValue: mailer }] };

    const outcome = await handler(OrderMailer, 'placed', options).run({ id: 'o-1', customer: 'c-1' });

    expect(outcome).toMatchObject({ kind: 'failed', error: { message: 'o-1 is refused' } });
    expect(mailer.attempts).toHaveLength(1);
  });

  it('does not let a payload through that the schema refuses', async () => {
    const outcome = await handler(OrderMailer, 'placed').run(records.of({ id: '' }));

    expect(outcome.kind).toBe('failed');
    expect(isMillraceError(outcome.error, 'VALIDATION_FAILED')).toBe(true);
    expect(outcome.error?.message).toMatch(/id/);
  });

  it('does not let a payload through that would not be routed there', async () => {
    const outcome = await handler(Everything, 'commit').run({ type: 'something else' });

    expect(isMillraceError(outcome.error, 'NO_HANDLER_MATCHED')).toBe(true);
  });

  it('counts the checkpoints that the handler asks for', async () => {
    expect(await handler(Everything, 'commit').run({ type: 'commit' })).toMatchObject({
      kind: 'handled',
      checkpoints: 1,
    });
    expect(await handler(Everything, 'sleep').run({ type: 'sleep', ms: 0 })).toMatchObject({
      kind: 'handled',
      checkpoints: 0,
    });
  });

  it('tells a deferred record from one that is done', async () => {
    expect((await handler(Everything, 'defer').run(records.of({ type: 'defer' }))).kind).toBe('deferred');
    expect((await handler(Everything, 'defer').run({ type: 'defer', done: true })).kind).toBe('handled');
  });

  it('lets it sleep in virtual time, and keeps what it logs', async () => {
    const outcome = await handler(Everything, 'sleep').run({ type: 'sleep', ms: 60_000 - 1 });

    expect(outcome.elapsedMs).toBe(59_999);
    expect(outcome.log).toContainEqual(expect.objectContaining({ level: 'info', message: 'slept' }));
  });

  it('lets its deadline pass when one is given', async () => {
    const outcome = await handler(Everything, 'hang', { timeoutMs: 100 }).run({ type: 'hang' });

    expect(outcome).toMatchObject({ kind: 'failed', error: { code: 'HANDLER_TIMEOUT' }, elapsedMs: 100 });
  });

  it('finds out a handler that ignores its signal', async () => {
    const outcome = await handler(Everything, 'deaf', { timeoutMs: 100 }).run({ type: 'deaf' });

    expect(outcome).toMatchObject({
      kind: 'failed',
      error: { message: expect.stringContaining('ignores its aborted signal') },
    });
  });

  it('reports that the handler stops the worker', async () => {
    expect(await handler(Everything, 'stop').run({ type: 'stop' })).toMatchObject({
      kind: 'failed',
      error: { code: 'STOP_WORKER' },
    });
  });

  it('gives a batch handler its items, and tells what became of each', async () => {
    const outcome = await handler(Rows, 'insert').run([
      { id: 'o-1', customer: 'c-1' },
      { id: 'bad', customer: 'c-1' },
      records.of({ id: 'no customer' }),
    ]);

    expect(outcome.items.map(({ kind, error }) => [kind, error && Reflect.get(error, 'code')])).toEqual([
      ['handled', undefined],
      ['failed', 'NON_RETRYABLE'],
      ['failed', 'VALIDATION_FAILED'],
    ]);
  });

  it("decodes as the consumer's own options say", async () => {
    const seen: unknown[] = [];
    const definition = defineConsumer({
      name: 'Text',
      stream: 'text',
      applicationName: 'text',
      options: { decode: 'text' },
      handlers: [recordHandler({ name: 'line', handle: (line) => void seen.push(line) })],
    });

    await handler(definition, 'line').run('hello');

    expect(seen).toEqual(['hello']);
    await expect(handler(definition, 'line').run({ no: 'text' })).rejects.toMatchObject({ code: 'TEST_MISUSED' });
  });

  it('takes bytes for a handler that decodes them itself', async () => {
    const seen: unknown[] = [];
    const definition = defineConsumer({
      name: 'Lengths',
      stream: 'bytes',
      applicationName: 'bytes',
      handlers: [
        batchHandler({
          name: 'lengths',
          decode: (bytes) => bytes.length,
          handle: (batch) => void seen.push(...batch.map(({ value }) => value)),
        }),
      ],
    });

    const outcome = await handler(definition, 'lengths').run([Uint8Array.of(1, 2, 3), records.text('four')]);

    expect(outcome.items).toHaveLength(2);
    expect(seen).toEqual([3, 4]);
  });
});

describe('handler', () => {
  it('knows the handlers of its consumer', () => {
    expect(() => handler(OrderMailer, 'ended')).toThrow(/has no handler "ended"; its handlers are placed/);
  });
});
