import { describe, expect, it } from 'vitest';
import { isMillraceError } from '../errors.js';
import { batchHandler, type ConsumerData, defineConsumer, recordHandler } from './define-consumer.js';

const placed = recordHandler({ name: 'placed', handle: () => undefined });
const keyed = recordHandler({ name: 'keyed', key: () => 'key', handle: () => undefined });
const many = batchHandler({ name: 'many', handle: () => undefined });

function define(more: Partial<ConsumerData<object>>) {
  return defineConsumer({ name: 'Orders', stream: 'orders', applicationName: 'mailer', handlers: [placed], ...more });
}

/** What a wrong declaration is told. */
function mistakes(concurrency: unknown, more: Partial<ConsumerData<object>> = {}): string[] {
  try {
    define({ concurrency: concurrency as NonNullable<ConsumerData<object>['concurrency']>, ...more });
    return [];
  } catch (error) {
    if (!isMillraceError(error) || !('issues' in error)) throw error;
    return (error.issues as readonly { readonly message: string }[]).map(({ message }) => message);
  }
}

describe('@Concurrency', () => {
  it('orders by the partition key unless it is told otherwise', () => {
    const by = (): string => 'x';
    expect(define({ concurrency: { perShard: 8 } }).concurrency).toEqual({ perShard: 8, by: 'partitionKey' });
    expect(define({ concurrency: { perShard: 8, by } }).concurrency).toEqual({ perShard: 8, by });
    expect(define({}).concurrency).toBeUndefined();
  });

  it("makes maxInFlight the consumer's option, which a function of the environment may override", () => {
    const concurrency = { perShard: 8, maxInFlight: 500 };
    expect(define({ concurrency }).options).toEqual({ kind: 'fixed', options: { maxInFlight: 500 } });
    const { options } = define({ concurrency, options: (env) => ({ maxInFlight: Number(env['LIMIT'] ?? 9) }) });
    expect(options.kind === 'environment' && options.options({ LIMIT: '70' })).toEqual({ maxInFlight: 70 });
    const silent = define({ concurrency, options: () => ({}) }).options;
    expect(silent.kind === 'environment' && silent.options({})).toEqual({ maxInFlight: 500 });
  });

  it.each([
    [{}, /perShard is missing/],
    [{ perShard: 0 }, /perShard must be a whole number of at least 1/],
    [{ perShard: 1.5 }, /perShard must be a whole number/],
    [{ perShard: 4, by: 'shard' }, /by must be 'partitionKey'/],
    [{ perShard: 4, maxInFlight: 3 }, /maxInFlight \(3\) is less than perShard \(4\)/],
    [{ pershard: 4 }, /Did you mean 'perShard'/],
    [5, /options must be an object/],
  ])('refuses %j', (concurrency, message) => {
    expect(mistakes(concurrency).join('\n')).toMatch(message);
  });

  it('refuses to stand beside a batch handler, beside a second maxInFlight, and a key that orders nothing', () => {
    expect(mistakes({ perShard: 4 }, { handlers: [many] }).join()).toMatch(/a batch handler takes many at once/);
    expect(mistakes({ perShard: 4, maxInFlight: 9 }, { options: { maxInFlight: 8 } }).join()).toMatch(
      /also stands in the consumer's options \(8\)/,
    );
    expect(mistakes(undefined, { handlers: [keyed] }).join()).toMatch(/key orders lanes, and this consumer has none/);
    expect(mistakes({ perShard: 4 }, { handlers: [keyed] })).toEqual([]);
  });
});
