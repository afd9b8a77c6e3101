import { describe, expect, it } from 'vitest';
import { ManualClock } from '../test/support/manual-clock.js';
import { defineConsumer, recordHandler } from './definition/define-consumer.js';
import type { IdempotencyStoreDescription } from './definition/middleware.js';
import { memoryStore } from './idempotency/memory-store.js';
import { closeStores, openStores } from './open-stores.js';
import { LogLines } from './runtime/session.fixture.js';

const logger = new LogLines();
const context = {
  applicationName: 'mailer',
  stream: 'orders',
  region: undefined,
  ports: { clock: new ManualClock(), random: () => 0, logger },
};

/** A store that tells when it is opened and closed, or why it cannot be. */
function watched(label: string, told: string[], failure?: Error): IdempotencyStoreDescription {
  return {
    store: 'millrace.idempotencyStore',
    label,
    open: async (where) => {
      if (failure !== undefined) throw failure;
      told.push(`open ${label}`);
      const inner = await memoryStore().open(where);
      return Object.assign(Object.create(inner) as typeof inner, {
        close: async () => void told.push(`close ${label}`),
      });
    },
  };
}

const consumer = (...stores: readonly (IdempotencyStoreDescription | string)[]) =>
  defineConsumer({
    name: 'Mailer',
    stream: 'orders',
    applicationName: 'mailer',
    options: { discriminator: 'type' },
    handlers: [
      ...stores.map((store, index) =>
        recordHandler({ name: `h${index}`, type: `t${index}`, idempotent: { store }, handle: () => undefined }),
      ),
      recordHandler({ name: 'rest', otherwise: true, handle: () => undefined }),
    ],
  });

describe('described idempotency stores', () => {
  it('are opened once each, whoever names them, and closed', async () => {
    const told: string[] = [];
    const shared = watched('shared', told);
    const stores = await openStores(consumer(shared, shared, watched('own', told), 'TOKEN'), context);
    expect(told).toEqual(['open shared', 'open own']);

    await closeStores(stores, logger);

    expect(told.slice(2)).toEqual(['close shared', 'close own']);
  });

  it('are closed again when one of them cannot be opened, which is said by its name', async () => {
    const told: string[] = [];
    const broken = watched('DynamoDB table handled', told, new Error('Region is missing'));

    await expect(openStores(consumer(watched('good', told), broken), context)).rejects.toMatchObject({
      code: 'IDEMPOTENCY_FAILED',
      message: expect.stringMatching(/"DynamoDB table handled" of Mailer cannot be opened: Region is missing/),
    });

    expect(told).toEqual(['open good', 'close good']);
  });
});
