/** What a bed shares with nothing: services, sinks, environment, the process. */
import {
  DeadLetter,
  defineConsumer,
  injectable,
  KinesisConsumer,
  OnRecord,
  recordHandler,
  SHARD,
  inject,
  type DeadLetterEntry,
  type DeadLetterSink,
  type ShardFacts,
} from '@millrace/core';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { override } from '../src/override.js';
import { records } from '../src/record-builders.js';
import { testBed } from '../src/test-bed.js';
import { Mailer, MoodyMailer, OrderMailer, placed } from './orders.fixture.js';

const SINK = Symbol('SINK');

@KinesisConsumer('orders', 'parking')
@DeadLetter(SINK)
@injectable()
class Parking {
  constructor(
    readonly mailer: Mailer,
    @inject(SHARD) readonly shard: ShardFacts,
  ) {}

  @OnRecord({ decode: 'text' })
  refuse(): void {
    throw Object.assign(new Error('refused'), { code: 'NON_RETRYABLE' });
  }
}

class OwnSink implements DeadLetterSink {
  readonly durable = false;
  readonly entries: DeadLetterEntry[] = [];
  write(entry: DeadLetterEntry): Promise<void> {
    this.entries.push(entry);
    return Promise.resolve();
  }
  close(): Promise<void> {
    return Promise.resolve();
  }
}

describe('services', () => {
  it('are those of the bed: a singleton lives as long as its bed and in no other', async () => {
    await using one = await testBed(OrderMailer, { shards: 2 });
    await using other = await testBed(OrderMailer);

    one.shard(0).deliver(placed('o-1'));
    one.shard(1).deliver(placed('o-2'));
    await one.idle();

    expect(one.resolve(Mailer).sent.toSorted()).toEqual(['o-1', 'o-2']);
    expect(other.resolve(Mailer).sent).toEqual([]);
    expect(one.instance(0)).not.toBe(one.instance(1));
  });

  it('are replaced by class or token, and registered as in a worker', async () => {
    const mailer = new MoodyMailer();
    await using bed = await testBed(Parking, {
      overrides: [{ token: Mailer, useValue: mailer }],
      register: (container) => void container.register('TABLE', { useValue: 'orders' }),
    });

    expect(bed.instance().mailer).toBe(mailer);
    expect(bed.resolve('TABLE')).toBe('orders');
    expect(bed.instance().shard).toMatchObject({ shardId: bed.shard().shardId, stream: 'orders' });
  });

  it('are replaced by stand-ins that have what the service has in public', async () => {
    const sent: string[] = [];
    const fake = { sent, send: (id: string) => Promise.resolve(void sent.push(id)) };
    await using value = await testBed(OrderMailer, { overrides: [override(Mailer).with(fake)] });
    await using built = await testBed(OrderMailer, { overrides: [override(Mailer).withClass(MoodyMailer)], shards: 2 });
    await using made = await testBed(OrderMailer, { overrides: [override<Mailer>(Mailer).withFactory(() => fake)] });

    value.shard().deliver(placed('o-1'));
    await value.idle();

    expect(sent).toEqual(['o-1']);
    expect(built.resolve(Mailer)).toBeInstanceOf(MoodyMailer);
    expect(built.resolve(Mailer)).toBe(built.resolve(Mailer));
    expect(made.resolve(Mailer)).toBe(fake);
  });

  it('that cannot be injected fail the bed at once, as they fail a worker', async () => {
    @KinesisConsumer('orders', 'broken')
    @injectable()
    class Broken {
      constructor(@inject('NOBODY') readonly nobody: unknown) {}
      @OnRecord()
      any(): void {
        // Never called.
      }
    }

    await expect(testBed(Broken)).rejects.toMatchObject({ code: 'INJECTION_FAILED' });
  });

  it('come from the container that the program brings', async () => {
    const closed: string[] = [];
    const container = {
      openScope: (shard: ShardFacts) =>
        Promise.resolve({
          resolve: <T>() => Promise.resolve(`service of ${shard.shardId}` as T),
          dispose: () => Promise.resolve(void closed.push(shard.shardId)),
        }),
    };
    const seen: unknown[] = [];
    const definition = defineConsumer<{ service: string }>({
      name: 'Embedded',
      stream: 'orders',
      applicationName: 'embedded',
      create: async (scope) => ({ service: await scope.resolve<string>('service') }),
      handlers: [
        recordHandler({ name: 'any', handle: (_, __, { service }: { service: string }) => void seen.push(service) }),
      ],
    });
    const bed = await testBed(definition, { container });

    bed.shard().deliver(records.of({}));
    await bed.idle();
    await bed.dispose();

    expect(seen).toEqual(['service of shardId-000000000000']);
    expect(closed).toEqual(['shardId-000000000000']);
    expect(() => bed.resolve('service')).toThrow(/container of yours/);
    await expect(testBed(definition, { container, overrides: [] })).rejects.toMatchObject({ code: 'TEST_MISUSED' });
  });
});

describe('a sink behind a token', () => {
  it("is the bed's, so that nothing has to be registered for it", async () => {
    await using bed = await testBed(Parking);

    const [record] = bed.shard().deliver(records.text('x'));
    await bed.idle();

    expect(bed.sink.parked).toMatchObject([{ id: record.id }]);
  });

  it("is the test's own where it gives one", async () => {
    const sink = new OwnSink();
    await using bed = await testBed(Parking, { overrides: [{ token: SINK, useValue: sink }] });

    bed.shard().deliver(records.text('x'));
    await bed.idle();

    expect(sink.entries).toHaveLength(1);
    expect(bed.sink.parked).toHaveLength(0);
  });
});

describe('the process', () => {
  afterEach(() => vi.unstubAllEnvs());

  it('is left alone: no listener, and nothing of its environment', async () => {
    vi.stubEnv('MILLRACE_STREAM_NAME', 'another-stream');
    const listeners = () => process.eventNames().map((name) => [name, process.listenerCount(name)]);
    const before = listeners();

    await using bed = await testBed(OrderMailer, { env: { MILLRACE_APPLICATION_NAME: 'in-test' } });
    bed.shard().deliver(placed('never'));
    await bed.idle();

    expect(listeners()).toEqual(before);
    expect(bed.sink.parked).toMatchObject([{ stream: 'orders', applicationName: 'in-test' }]);
  });

  it('must not be production, unless that is meant', async () => {
    vi.stubEnv('NODE_ENV', 'production');

    await expect(testBed(OrderMailer)).rejects.toMatchObject({ code: 'TEST_MISUSED' });
    await using bed = await testBed(OrderMailer, { inProduction: true });

    expect(bed.shards).toHaveLength(1);
  });
});

describe('shards', () => {
  it('have the names they were given', async () => {
    await using bed = await testBed(OrderMailer, { shards: ['A', 'B'] });

    expect(bed.shard('B')).toBe(bed.shard(1));
    expect(() => bed.shard('C')).toThrow(/no shard C; it has A, B/);
  });

  it('need names that differ', async () => {
    await expect(testBed(OrderMailer, { shards: ['A', 'A'] })).rejects.toMatchObject({ code: 'TEST_MISUSED' });
    await expect(testBed(OrderMailer, { shards: 0 })).rejects.toMatchObject({ code: 'TEST_MISUSED' });
  });
});
