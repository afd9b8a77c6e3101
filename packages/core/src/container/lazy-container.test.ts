import { expect, it } from 'vitest';
import type { Scope } from '../ports.js';
import { lazyContainer } from './lazy-container.js';
import { createTsyringeContainer } from './worker-container.js';

const SHARD = {
  shardId: 'shardId-0',
  stream: 'orders',
  applicationName: 'mailer',
  startsAfter: { sequenceNumber: 'TRIM_HORIZON', subSequenceNumber: 0 },
};

class Service {
  readonly name = 'service';
}

function counted() {
  let made = 0;
  const lazy = lazyContainer(() => {
    made += 1;
    return createTsyringeContainer({ overrides: [{ token: 'Service', useClass: Service }] });
  });
  return { lazy, made: () => made };
}

it('makes no container for leases that resolve nothing', async () => {
  const { lazy, made } = counted();
  const scope = await lazy.port.openScope(SHARD);
  await scope.dispose();
  await lazy.dispose();

  expect(made()).toBe(0);
});

it('makes one for all leases once something is resolved, each with a scope of its own', async () => {
  const { lazy, made } = counted();
  const scopes = await Promise.all([lazy.port.openScope(SHARD), lazy.port.openScope(SHARD)]);
  const services = await Promise.all(scopes.map((scope: Scope) => scope.resolve<Service>('Service')));
  const child = await scopes[0]?.openChild?.();

  expect(made()).toBe(1);
  expect(services.map(({ name }) => name)).toEqual(['service', 'service']);
  expect(services[0]).not.toBe(services[1]);
  expect((await child?.resolve<Service>('Service'))?.name).toBe('service');
  for (const scope of scopes) await scope.dispose();
  await lazy.dispose();
});

it('resolves nothing in a scope that was disposed before it was needed', async () => {
  const { lazy } = counted();
  const scope = await lazy.port.openScope(SHARD);
  await scope.dispose();

  await expect(scope.resolve('Service')).rejects.toMatchObject({ code: expect.any(String) });
  await lazy.dispose();
});
