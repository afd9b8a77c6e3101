import { describe, expect, it } from 'vitest';
import { OnRecord } from '../decorators/handlers.js';
import { KinesisConsumer } from '../decorators/kinesis-consumer.js';
import { defineConsumer, recordHandler } from '../definition/define-consumer.js';
import { findConsumers } from './find-consumers.js';

@KinesisConsumer('orders', 'mailer')
class Mailer {
  @OnRecord()
  placed(_order: unknown): void {}
}
class Derived extends Mailer {}
class Forgotten {
  @OnRecord()
  placed(_order: unknown): void {}
}
const defined = defineConsumer({
  name: 'defined',
  stream: 'orders',
  applicationName: 'defined',
  create: () => ({}),
  handlers: [recordHandler({ name: 'all', handle: () => undefined })],
});

describe('the consumers of a module', () => {
  it('are decorated classes and definitions, whatever their names', () => {
    const { consumers } = findConsumers({ default: Mailer, defined, helper: () => 1, LIMIT: 3 }, 'a.ts');
    expect(consumers).toEqual([Mailer, defined]);
  });

  it('count once, though exported twice', () => {
    expect(findConsumers({ default: Mailer, Mailer }, 'a.ts').consumers).toEqual([Mailer]);
  });

  it('are not subclasses that say nothing themselves', () => {
    expect(findConsumers({ Mailer, Derived }, 'a.ts').consumers).toEqual([Mailer]);
  });

  it('come with the function that registers their services', () => {
    const register = () => undefined;
    expect(findConsumers({ Mailer, register }, 'a.ts').register).toBe(register);
    expect(findConsumers({ Mailer, register: 'x' }, 'a.ts').register).toBeUndefined();
  });
});

describe('a module without consumers', () => {
  it('is refused with what it exports instead', () => {
    const found = () => findConsumers({ Forgotten, B: class {}, run: () => 1, nothing: null, n: 1 }, 'a.ts');
    expect(found).toThrow(
      expect.objectContaining({
        code: 'MODULE_NOT_LOADED',
        message:
          'a.ts exports no consumer. It exports Forgotten (a class with handlers, but without @KinesisConsumer), B (class), run (function), nothing (null), n (number). Export a class with @KinesisConsumer, or what defineConsumer returned.',
      }),
    );
  });

  it('may export nothing at all', () => {
    expect(() => findConsumers({}, 'a.ts')).toThrow('It exports nothing.');
  });
});
