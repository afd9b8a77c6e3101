import { describe, expect, it } from 'vitest';
import { DefinitionError } from '../errors.js';
import { memoryStore } from '../idempotency/memory-store.js';
import { batchHandler, type ConsumerData, defineConsumer, recordHandler } from './define-consumer.js';
import type { Middleware } from './middleware.js';

const all = recordHandler({ name: 'all', handle: () => undefined });
const define = (data: Partial<ConsumerData<object>>) =>
  defineConsumer({ name: 'Mailer', stream: 'orders', applicationName: 'mailer', handlers: [all], ...data });

function issuesOf(data: unknown): readonly string[] {
  try {
    define(data as Partial<ConsumerData<object>>);
  } catch (error) {
    if (error instanceof DefinitionError) return error.issues.map(({ code, message }) => `${code} ${message}`);
    throw error;
  }
  return [];
}

const trace: Middleware = (_, next) => next();
const log: Middleware = (_, next) => next();
class Transaction {
  handle = trace;
}

describe('use', () => {
  it("puts the consumer's around the handler's own, and knows functions from tokens", () => {
    const handler = recordHandler({ name: 'placed', use: [log, Transaction], handle: () => undefined });
    const { handlers } = define({ use: [trace, 'metrics'], handlers: [handler] });
    expect(handlers[0]?.use).toEqual([
      { kind: 'function', name: 'trace', call: trace },
      { kind: 'token', name: 'metrics', token: 'metrics' },
      { kind: 'function', name: 'log', call: log },
      { kind: 'token', name: 'Transaction', token: Transaction },
    ]);
    expect(Object.isFrozen(handlers[0]?.use)).toBe(true);
  });

  it('is empty where nothing is declared', () => {
    expect(define({}).handlers[0]).toMatchObject({ use: [], idempotent: undefined });
    const batch = batchHandler({ name: 'all', handle: () => undefined });
    expect(define({ handlers: [batch] }).handlers[0]?.use).toEqual([]);
  });

  it.each([
    ['no list', { use: trace }, 'middleware must be a list of functions or tokens, not the function trace'],
    ['nothing', { use: [undefined] }, 'must be a function or an injection token, not undefined'],
    ['an instance', { use: [new Transaction()] }, 'register it in the container and give its token here'],
  ])('refuses %s', (_, data, message) => {
    expect(issuesOf(data)).toEqual([expect.stringContaining(message)]);
  });
});

describe('idempotent', () => {
  const store = memoryStore();

  it('is complete, and the nearest declaration counts', () => {
    const key = (): string => 'k';
    const own = recordHandler({ name: 'own', type: 'a', idempotent: { store: 'STORE', key }, handle: () => undefined });
    const { handlers } = define({
      options: { discriminator: 'type' },
      idempotent: { store, expireAfterMs: 60_000 },
      handlers: [own, all],
    });
    expect(handlers).toMatchObject([
      { idempotent: { store: { kind: 'token', token: 'STORE' }, key, expireAfterMs: 86_400_000 } },
      { idempotent: { store: { kind: 'description', description: store }, key: undefined, expireAfterMs: 60_000 } },
    ]);
  });

  it.each([
    ['no options', 1, 'options must be an object'],
    ['no store', {}, 'the store must be a description such as dynamoDbStore'],
    ['an open store', { store: { acquire: () => undefined } }, 'register it in the container'],
    ['a key that is no function', { store, key: 'id' }, 'key must be a function'],
    ['a memory that is none', { store, expireAfterMs: 1 }, 'expireAfterMs must be a number of at least 1000'],
    ['an unknown option', { store, expiresAfterMs: 1 }, "Did you mean 'expireAfterMs'?"],
  ])('refuses %s, once for all handlers', (_, idempotent, message) => {
    expect(issuesOf({ idempotent })).toEqual([expect.stringContaining(message)]);
  });

  it('excludes batch handlers, wherever it is declared', () => {
    const batch = batchHandler({ name: 'all', handle: () => undefined });
    const message = expect.stringContaining('a batch handler cannot be made idempotent');
    expect(issuesOf({ idempotent: { store }, handlers: [batch] })).toEqual([message]);
    expect(issuesOf({ handlers: [{ ...batch, idempotent: { store } }] })).toEqual([message]);
  });

  it('excludes manual checkpoints: a record that was not declared done would be left out', () => {
    const message = expect.stringContaining("it excludes the checkpoint policy 'manual'");
    expect(issuesOf({ idempotent: { store }, checkpoint: 'manual' })).toEqual([message]);
  });
});
