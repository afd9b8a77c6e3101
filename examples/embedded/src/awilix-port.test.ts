import type { ShardFacts } from '@millrace/core';
import { asClass, asValue, createContainer } from 'awilix';
import { expect, it } from 'vitest';
import { awilixPort, type LeaseServices } from './awilix-port.js';

const shard = (shardId: string): ShardFacts => ({
  shardId,
  stream: 'scans',
  applicationName: 'parcel-tracker',
  startsAfter: { sequenceNumber: 'TRIM_HORIZON', subSequenceNumber: 0 },
});

class Connection {
  isOpen = true;
  close(): void {
    this.isOpen = false;
  }
}

class Consumer {
  readonly shardId: string;
  readonly clock: object;
  readonly connection: Connection;
  constructor(services: LeaseServices & { readonly clock: object; readonly connection: Connection }) {
    this.shardId = services.shard.shardId;
    this.clock = services.clock;
    this.connection = services.connection;
  }
}

const services = () =>
  createContainer({ strict: true }).register({
    clock: asValue({}),
    connection: asClass(Connection)
      .scoped()
      .disposer((connection) => connection.close()),
  });

it('builds a consumer for each lease: shared services from the application, the rest from the lease', async () => {
  const port = awilixPort(services());

  const [first, second] = await Promise.all([port.openScope(shard('s-1')), port.openScope(shard('s-2'))]);
  const one = await first.resolve<Consumer>(Consumer);
  const two = await second.resolve<Consumer>(Consumer);

  expect([one.shardId, two.shardId]).toEqual(['s-1', 's-2']);
  expect(one.clock).toBe(two.clock);
  expect(one.connection).not.toBe(two.connection);
});

it('disposes what belongs to a lease with the lease', async () => {
  const port = awilixPort(services());
  const [first, second] = await Promise.all([port.openScope(shard('s-1')), port.openScope(shard('s-2'))]);
  const one = await first.resolve<Consumer>(Consumer);
  const two = await second.resolve<Consumer>(Consumer);

  await first.dispose();

  expect([one.connection.isOpen, two.connection.isOpen]).toEqual([false, true]);
});

it('resolves by name, for sinks that are registered in the container', async () => {
  const scope = await awilixPort(services()).openScope(shard('s-1'));

  expect(await scope.resolve('shard')).toEqual(shard('s-1'));
});
