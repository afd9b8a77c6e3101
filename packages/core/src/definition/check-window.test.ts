import { describe, expect, it } from 'vitest';
import { OnBatch, OnRecord, OnWindow } from '../decorators/handlers.js';
import { KinesisConsumer } from '../decorators/kinesis-consumer.js';
import { CheckpointPolicy, Concurrency } from '../decorators/policies.js';
import { readDefinition } from '../decorators/read-definition.js';
import { DefinitionError } from '../errors.js';
import type { WindowContext, WindowRecordContext } from './context.js';
import { defineConsumer, windowHandler } from './define-consumer.js';
import type { ConsumerClass, WindowHandler } from './definition.js';

const EVERY_MS = 60_000;

@KinesisConsumer('orders', 'totals')
class Totals {
  readonly emitted: unknown[] = [];

  @OnWindow({ everyMs: EVERY_MS, state: () => ({ count: 0 }), emit: 'total' })
  count(_: unknown, { state }: WindowRecordContext<{ count: number }>): void {
    state.count += 1;
  }

  total(state: { count: number }, { id }: WindowContext): void {
    this.emitted.push([state.count, id]);
  }
}

function mistakesOf(target: ConsumerClass): string {
  try {
    readDefinition(target);
    return '';
  } catch (error) {
    if (!(error instanceof DefinitionError)) throw error;
    return error.issues.map(({ code, message }) => `${code} ${message}`).join('\n');
  }
}

/** What JavaScript callers may write. */
const onWindow = OnWindow as unknown as (options: object) => MethodDecorator;

describe('@OnWindow', () => {
  it('calls its own method for each record and the one that emit names for each window', () => {
    const [handler] = readDefinition(Totals).handlers as readonly [WindowHandler];
    const instance = new Totals();
    const state = handler.state();
    handler.call(instance, {}, { state });
    handler.emit(instance, state, { id: 'window' });
    expect(handler).toMatchObject({ kind: 'window', name: 'count', everyMs: EVERY_MS });
    expect(instance.emitted).toEqual([[1, 'window']]);
  });

  it('says the same as windowHandler', () => {
    const emitted: unknown[] = [];
    const totals = windowHandler({
      name: 'count',
      everyMs: EVERY_MS,
      state: () => 0,
      handle: (_, context) => void (context.state += 1),
      emit: (state, { id }, instance) => void emitted.push([state, id, instance]),
    });
    const definition = defineConsumer({ name: 'T', stream: 'orders', applicationName: 't', handlers: [totals] });
    const [handler] = definition.handlers as readonly [WindowHandler];
    const instance = {};
    handler.emit(instance, 5, { id: 'window' });
    expect(handler).toMatchObject({ kind: 'window', everyMs: EVERY_MS });
    expect(emitted).toEqual([[5, 'window', instance]]);
  });

  it('is told everything that is missing or wrong in it at once', () => {
    @KinesisConsumer('orders', 'totals')
    class Wrong {
      @onWindow({ everyMs: 0.5, state: 'x', emit: 'nowhere', size: 3 }) count(): void {}
    }
    expect(mistakesOf(Wrong)).toMatch(
      /UNKNOWN_OPTION .*'size'[^]*everyMs must be a whole number[^]*state must be a function[^]*emit is missing, or is 'nowhere'/,
    );
    @KinesisConsumer('orders', 'totals')
    class Empty {
      @onWindow({}) count(): void {}
    }
    expect(mistakesOf(Empty)).toMatch(/everyMs is missing[^]*state is missing[^]*emit is missing, or is undefined/);
  });

  it('stands alone, without lanes, and decides over checkpoints itself', () => {
    @KinesisConsumer('orders', 'totals')
    @Concurrency({ perShard: 4 })
    @CheckpointPolicy('manual')
    class Crowded {
      @onWindow({ everyMs: 1, state: () => 0, emit: () => undefined }) count(): void {}
      @OnRecord() each(): void {}
      @OnBatch() all(): void {}
    }
    const mistakes = mistakesOf(Crowded);
    expect(mistakes).toMatch(/WINDOW_AND_OTHERS .*each, all would get none/);
    expect(mistakes).toMatch(/OPTIONS_EXCLUDE .*lanes run single records/);
    expect(mistakes).toMatch(/OPTIONS_EXCLUDE .*@CheckpointPolicy\('manual'\) would leave nothing to declare/);
  });
});
