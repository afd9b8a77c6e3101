import 'reflect-metadata';
import { container as globalContainer, singleton as tsyringeSingleton } from 'tsyringe';
import { describe, expect, it } from 'vitest';
import { LOGGER, SHARD } from '../definition/context.js';
import { KinesisConsumer } from '../decorators/kinesis-consumer.js';
import { isMillraceError, MillraceError } from '../errors.js';
import type { Logger, ShardFacts } from '../ports.js';
import { injectable, type Ref, singleton } from './services.js';
import { delay, type DependencyContainer, inject, injectAll, Lifecycle } from './tsyringe.js';
import { type ContainerOptions, createTsyringeContainer } from './worker-container.js';

const shard = (shardId = 'shardId-1'): ShardFacts => ({
  shardId,
  stream: 'orders',
  applicationName: 'mailer',
  startsAfter: { sequenceNumber: 'TRIM_HORIZON', subSequenceNumber: 0 },
});

async function resolveOne<T>(target: new (...args: never[]) => T, options: ContainerOptions = {}): Promise<T> {
  const worker = await createTsyringeContainer(options);
  return (await worker.port.openScope(shard())).resolve<T>(target);
}

async function failureOf(promise: Promise<unknown>): Promise<MillraceError> {
  const error: unknown = await promise.then(() => undefined).catch((thrown: unknown) => thrown);
  if (isMillraceError(error)) return error;
  throw new Error(`not one of ours: ${String(error)}`);
}

@singleton()
class Database {
  readonly queries: string[] = [];
}

@injectable()
class Mailer {
  constructor(readonly database: Database) {}
}

@KinesisConsumer('orders', 'mailer')
class OrderMailer {
  constructor(
    readonly mailer: Mailer,
    readonly database: Database,
    @inject(SHARD) readonly facts: ShardFacts,
    @inject('LIMIT') readonly limit: number,
  ) {}
}
const register: ContainerOptions['register'] = (container) => void container.register('LIMIT', { useValue: 0 });

describe('injection', () => {
  it('is by type and by token, with the facts of the shard, for a class that only says @KinesisConsumer', async () => {
    const consumer = await resolveOne(OrderMailer, { register });
    expect(consumer.mailer).toBeInstanceOf(Mailer);
    expect(consumer.facts).toEqual(shard());
    expect(consumer.limit).toBe(0);
  });

  it('gives one consumer per lease, and one singleton per worker', async () => {
    const worker = await createTsyringeContainer({ register });
    const first = await worker.port.openScope(shard('a'));
    const second = await worker.port.openScope(shard('b'));
    const [one, again, two] = [
      await first.resolve<OrderMailer>(OrderMailer),
      await first.resolve<OrderMailer>(OrderMailer),
      await second.resolve<OrderMailer>(OrderMailer),
    ];
    expect(again).toBe(one);
    expect(two).not.toBe(one);
    expect([one.facts.shardId, two.facts.shardId]).toEqual(['a', 'b']);
    expect(one.mailer).not.toBe(two.mailer);
    expect(new Set([one.database, two.database, one.mailer.database, two.mailer.database]).size).toBe(1);
    expect(worker.container.resolve(Database)).toBe(one.database);
  });

  it('shares nothing between workers', async () => {
    const one = await resolveOne(OrderMailer, { register });
    const two = await resolveOne(OrderMailer, { register });
    expect(one.database).not.toBe(two.database);
  });

  it('inherits constructors, and leaves own ones without parameters alone', async () => {
    class Inherits extends Mailer {}
    class Fake extends Mailer {
      constructor() {
        super({ queries: ['fake'] });
      }
    }
    expect((await resolveOne(Inherits)).database).toBeInstanceOf(Database);
    expect((await resolveOne(Fake)).database.queries).toEqual(['fake']);
  });

  it('works by tokens alone where the compiler records no types', async () => {
    class Bare {
      constructor(readonly database: Database) {}
    }
    inject(Database)(Bare, undefined, 0);
    class Derived extends Bare {}
    expect((await resolveOne(Derived)).database).toBeInstanceOf(Database);
    expect((await resolveOne(Bare)).database).toBeInstanceOf(Database);
  });

  it('takes a service without constructor parameters, decorated or not', async () => {
    class Plain {}
    @injectable()
    class NeedsPlain {
      constructor(readonly plain: Plain) {}
    }
    expect((await resolveOne(NeedsPlain)).plain).toBeInstanceOf(Plain);
  });

  it('injects all registrations of a token, and nothing for an optional one', async () => {
    @injectable()
    class Many {
      constructor(
        @injectAll('rule') readonly rules: unknown[],
        @inject('absent', { isOptional: true }) readonly absent: unknown,
        @injectAll('absent', { isOptional: true }) readonly none: unknown[],
      ) {}
    }
    const many = await resolveOne(Many, {
      register: (container) => {
        container.register('rule', { useValue: 'a' });
        container.register('rule', { useFactory: () => 'b' });
        container.registerSingleton('rule', Database);
      },
    });
    expect([many.rules, many.absent, many.none]).toEqual([['a', 'b', expect.any(Database)], undefined, []]);
  });

  it('keeps the lifecycles of tsyringe', async () => {
    class Lease {}
    class Resolution {}
    class Alias {}
    @injectable()
    class Left {
      constructor(
        @inject('lease') readonly lease: Lease,
        @inject('resolution') readonly resolution: Resolution,
      ) {}
    }
    @injectable()
    class Both {
      constructor(
        readonly left: Left,
        @inject('lease') readonly lease: Lease,
        @inject('resolution') readonly resolution: Resolution,
        @inject('alias') readonly alias: Alias,
        @inject('late') readonly late: Alias,
      ) {}
    }
    const worker = await createTsyringeContainer({
      register: (container) => {
        container.register('lease', { useClass: Lease }, { lifecycle: Lifecycle.ContainerScoped });
        container.register('resolution', { useClass: Resolution }, { lifecycle: Lifecycle.ResolutionScoped });
        container.registerSingleton('single', Alias);
        container.register('alias', { useToken: 'single' });
        container.register('late', { useClass: delay(() => Alias) });
      },
    });
    const first = await (await worker.port.openScope(shard('a'))).resolve<Both>(Both);
    const second = await (await worker.port.openScope(shard('b'))).resolve<Both>(Both);
    expect(first.lease).toBe(first.left.lease);
    expect(first.lease).not.toBe(second.lease);
    expect(first.resolution).toBe(first.left.resolution);
    expect(first.resolution).not.toBe(second.resolution);
    expect(first.alias).toBe(second.alias);
    expect(first.late).not.toBe(first.alias);
    expect(first.late).toBeInstanceOf(Alias);
  });

  it('waits for an asynchronous register', async () => {
    const consumer = await resolveOne(OrderMailer, {
      register: async (container) => {
        await Promise.resolve();
        container.register('LIMIT', { useValue: 7 });
      },
    });
    expect(consumer.limit).toBe(7);
  });

  it('asks the parent for what is registered there only', async () => {
    const parent = globalContainer.createChildContainer();
    parent.register('LIMIT', { useValue: 3 });
    parent.registerSingleton(Database);
    parent.register('rule', { useValue: 'theirs' });
    class Uses {
      constructor(readonly all: unknown[]) {}
    }
    injectAll('rule')(Uses, undefined, 0);
    const worker = await createTsyringeContainer({ parent });
    const scope = await worker.port.openScope(shard());
    const consumer = await scope.resolve<OrderMailer>(OrderMailer);
    expect(consumer.limit).toBe(3);
    expect(consumer.database).toBe(parent.resolve(Database));
    expect((await scope.resolve<Uses>(Uses)).all).toEqual(['theirs']);
  });
});

describe('overrides', () => {
  const registerAll: ContainerOptions['register'] = (container) => {
    container.register('LIMIT', { useValue: 1 });
    container.registerSingleton(Mailer);
  };

  it('win over registrations, classes and singletons', async () => {
    class FakeMailer extends Mailer {}
    const fake = new Database();
    const consumer = await resolveOne(OrderMailer, {
      register: registerAll,
      overrides: [
        { token: 'LIMIT', useFactory: () => 2 },
        { token: Mailer, useClass: FakeMailer },
        { token: Database, useValue: fake },
      ],
    });
    expect(consumer.limit).toBe(2);
    expect(consumer.mailer).toBeInstanceOf(FakeMailer);
    expect(consumer.mailer.database).toBe(fake);
  });

  it('of a singleton stay one', async () => {
    class FakeDatabase extends Database {}
    for (const override of [{ useClass: FakeDatabase }, { useFactory: () => new FakeDatabase() }]) {
      const consumer = await resolveOne(OrderMailer, { register, overrides: [{ token: Database, ...override }] });
      expect(consumer.database).toBeInstanceOf(FakeDatabase);
      expect(consumer.database).toBe(consumer.mailer.database);
    }
  });

  it('may be null', async () => {
    const consumer = await resolveOne(OrderMailer, { overrides: [{ token: 'LIMIT', useValue: null }] });
    expect(consumer.limit).toBeNull();
  });
});

describe('what cannot be injected', () => {
  it('names consumer, parameter and path of an unregistered token', async () => {
    @injectable()
    class Deep {
      constructor(
        readonly database: Database,
        @inject('URL') readonly url: string,
      ) {}
    }
    @KinesisConsumer('orders', 'x')
    class Consumer {
      constructor(readonly deep: Deep) {}
    }
    const error = await failureOf(resolveOne(Consumer));
    expect(error.code).toBe('INJECTION_FAILED');
    expect(error.message).toBe(
      'Parameter 2 of Deep asks for the token "URL", and nothing is registered for it (Consumer -> Deep -> "URL"). ' +
        'Register it where the worker starts: register: (container) => { container.register("URL", { useValue: ... }); }',
    );
    expect(error.details).toEqual({ token: '"URL"', class: 'Deep', parameter: 1, path: ['Consumer', 'Deep', '"URL"'] });
  });

  it('says when a token itself was asked for, or many of it', async () => {
    const worker = await createTsyringeContainer();
    const scope = await worker.port.openScope(shard());
    expect((await failureOf(scope.resolve('URL'))).message).toMatch(/^Asked for was the token "URL"/);
    expect(() => worker.container.resolveAll('URL')).toThrow(/Asked for was the token "URL"/);
    expect(worker.container.resolveAll(Database)).toHaveLength(1);
  });

  it.each<[string, (target: new (...args: never[]) => object) => void, string, RegExp]>([
    ['a class without a decorator', () => undefined, 'METADATA_MISSING', /Add @injectable\(\) to Service/],
    [
      'a compiler that records nothing',
      (target) => injectable()(target),
      'METADATA_MISSING',
      /Parameter 1 of the constructor of Service .* "emitDecoratorMetadata" to true .* \(Service\)/,
    ],
    [
      'an import cycle',
      (target) => Reflect.defineMetadata('design:paramtypes', [undefined], target),
      'METADATA_MISSING',
      /import each other/,
    ],
    [
      'an interface',
      (target) => Reflect.defineMetadata('design:paramtypes', [Object], target),
      'METADATA_MISSING',
      /interface, a union, a type alias or an `import type`/,
    ],
    [
      'an import type',
      (target) => Reflect.defineMetadata('design:paramtypes', [Function], target),
      'METADATA_MISSING',
      /`import type`/,
    ],
    [
      'a text',
      (target) => Reflect.defineMetadata('design:paramtypes', [String], target),
      'INJECTION_FAILED',
      /cannot make a String; name it with @inject\(TOKEN\)/,
    ],
  ])('%s', async (_, prepare, code, message) => {
    class Service {
      constructor(readonly dependency: unknown) {}
    }
    prepare(Service);
    class Derived extends Service {}
    for (const target of [Service, Derived]) {
      const error = await failureOf(resolveOne(target));
      expect(error.code).toBe(code);
      expect(error.message).toMatch(target === Service ? message : /of the constructor of Service .*\(Derived\)/s);
    }
  });

  it('a circle of constructors, with the way around it', async () => {
    const worker = await createTsyringeContainer();
    expect(() => worker.check(Chicken)).toThrow(/in a circle: Chicken -> Egg -> Chicken/);
    const error = await failureOf((await worker.port.openScope(shard())).resolve(Chicken));
    expect(error.code).toBe('INJECTION_FAILED');
    expect(error.message).toContain('in a circle: Chicken -> Egg -> Chicken. ');
  });

  it('a circle that is closed by delay, when it is used while it is being built', async () => {
    expect((await resolveOne(LateChicken)).egg.layer()).toBe('LateChicken');
    const error = await failureOf(resolveOne(HastyChicken));
    expect(error.message).toContain('HastyChicken -> HastyEgg -> HastyChicken');
  });

  it('a class that is registered in the global container only', async () => {
    @tsyringeSingleton()
    class Global {}
    @injectable()
    class UsesGlobal {
      constructor(readonly global: Global) {}
    }
    const error = await failureOf(resolveOne(UsesGlobal));
    expect(error.message).toMatch(/^Global is registered in tsyringe's global container only.*UsesGlobal -> Global/);
    const shared = await resolveOne(UsesGlobal, { parent: globalContainer });
    expect(shared.global).toBe(globalContainer.resolve(Global));
  });

  it('tokens and lists of the global container', async () => {
    globalContainer.register('only global', { useValue: 1 });
    const worker = await createTsyringeContainer();
    expect(() => worker.container.resolve('only global')).toThrow(/global container only/);
    expect(() => worker.container.resolveAll('only global')).toThrow(/global container only/);
  });

  it('a constructor that throws: its error is the cause, with the path', async () => {
    const cause = new Error('no connection');
    @injectable()
    class Pool {
      constructor() {
        throw cause;
      }
    }
    @injectable()
    class Repository {
      constructor(readonly pool: Pool) {}
    }
    const error = await failureOf(resolveOne(Repository));
    expect(error.message).toBe('Pool cannot be built: no connection (Repository -> Pool)');
    expect(error.cause).toBe(cause);
  });

  it('what a factory throws after it has caught something else', async () => {
    const worker = await createTsyringeContainer({
      register: (container) => {
        container.register('first', {
          useFactory: () => {
            throw new Error('first failed');
          },
        });
        container.register('second', {
          useFactory: (from) => {
            try {
              return from.resolve('first');
            } catch {
              throw new Error('second gave up');
            }
          },
        });
      },
    });
    const error = await failureOf((await worker.port.openScope(shard())).resolve('second'));
    expect(error.message).toBe('"second" cannot be built: second gave up ("second")');
  });

  it('register that throws, after disposing what it had registered', async () => {
    const log: string[] = [];
    const error = await failureOf(
      createTsyringeContainer({
        register: async (container) => {
          container.register('pool', { useValue: { dispose: () => log.push('pool') } });
          throw new Error('no secrets');
        },
      }),
    );
    expect(error.message).toBe('The function register failed: no secrets');
    expect(log).toEqual(['pool']);
  });
});

describe('looking ahead', () => {
  it('finds everything that is missing, and builds nothing', async () => {
    let built = 0;
    @injectable()
    class Counts {
      constructor(
        readonly text: string,
        @inject('A') readonly a: unknown,
      ) {
        built += 1;
      }
    }
    @KinesisConsumer('orders', 'x')
    class Consumer {
      constructor(
        readonly counts: Counts,
        readonly again: Counts,
        @inject('B') readonly b: unknown,
        @inject('C', { isOptional: true }) readonly c: unknown,
        @inject(SHARD) readonly facts: ShardFacts,
        @inject(Mailer) readonly mailer: Mailer,
        @inject('known') readonly known: unknown,
      ) {}
    }
    const worker = await createTsyringeContainer({
      register: (container) => void container.register('known', { useClass: Mailer }),
    });
    const check = () => worker.check(Consumer);
    expect(check).toThrow(/^Consumer cannot be built \(3 mistakes\):\n {2}- \[INJECTION_FAILED\] Parameter 1 .*String/);
    expect(check).toThrow(/token "A".*\(Consumer -> Counts -> "A"\)/);
    expect(check).toThrow(/token "B"/);
    expect(built).toBe(0);
  });

  it('follows registrations, overrides and parents', async () => {
    class Fake {
      constructor(@inject('missing') readonly missing: unknown) {}
    }
    const parent = globalContainer.createChildContainer().register('LIMIT', { useValue: 1 });
    const fine = await createTsyringeContainer({ parent });
    const broken = await createTsyringeContainer({ parent, overrides: [{ token: Mailer, useClass: Fake }] });
    expect(() => fine.check(OrderMailer)).not.toThrow();
    expect(() => broken.check(OrderMailer)).toThrow(/Parameter 1 of Fake asks for the token "missing"/);
    expect(() => fine.check(LateChicken)).not.toThrow();
  });
});

describe('disposal', () => {
  const log: string[] = [];
  class Logged {
    constructor(readonly name: string) {}
    dispose(): void {
      log.push(this.name);
    }
  }
  @singleton()
  class Pool extends Logged {
    constructor() {
      super('pool');
    }
  }
  @injectable()
  class Session {
    constructor(readonly pool: Pool) {}
    [Symbol.dispose](): void {
      log.push('session');
    }
  }
  @KinesisConsumer('orders', 'x')
  class Consumer {
    constructor(
      readonly session: Session,
      readonly pool: Pool,
    ) {}
    async [Symbol.asyncDispose](): Promise<void> {
      await Promise.resolve();
      log.push('consumer');
    }
  }
  const start = async (options: ContainerOptions = {}) => {
    log.length = 0;
    const worker = await createTsyringeContainer(options);
    return { worker, scope: await worker.port.openScope(shard()) };
  };

  it('ends what a lease built at its end, newest first, and singletons with the worker', async () => {
    const { worker, scope } = await start();
    await scope.resolve(Consumer);
    await scope.dispose();
    expect(log).toEqual(['consumer', 'session']);
    await worker.dispose();
    expect(log).toEqual(['consumer', 'session', 'pool']);
  });

  it('happens once, however often it is asked for', async () => {
    const { worker, scope } = await start();
    await scope.resolve(Consumer);
    await Promise.all([scope.dispose(), scope.dispose()]);
    await worker.dispose();
    await worker.dispose();
    expect(log).toEqual(['consumer', 'session', 'pool']);
  });

  it('ends open leases before the worker', async () => {
    const { worker, scope } = await start();
    await scope.resolve(Consumer);
    await worker.dispose();
    expect(log).toEqual(['consumer', 'session', 'pool']);
    expect((await failureOf(scope.resolve(Consumer))).code).toBe('SCOPE_FAILED');
  });

  it('ends values and factory results with the worker, and aliases with who built them', async () => {
    const { worker, scope } = await start({
      register: (container) => {
        container.register('value', { useValue: new Logged('value') });
        container.register('factory', { useFactory: () => new Logged('factory') });
        container.register('alias', { useFactory: (from) => from.resolve(Session) });
        container.register('text', { useValue: 'text' });
      },
    });
    for (const token of ['value', 'factory', 'alias', 'text']) await scope.resolve(token);
    await scope.dispose();
    expect(log).toEqual(['session']);
    await worker.dispose();
    expect(log).toEqual(['session', 'pool', 'factory', 'value']);
  });

  it('leaves to others what they own: values of overrides, instances of the parent, dispose with parameters', async () => {
    const parent = globalContainer.createChildContainer();
    parent.register('theirs', { useFactory: () => new Logged('theirs') });
    const { worker, scope } = await start({
      parent,
      overrides: [{ token: Pool, useValue: new Logged('test double') }],
      register: (container) => {
        container.register('alias', { useFactory: (from) => from.resolve('theirs') });
        container.register('domain', { useValue: { dispose: (_waste: string) => log.push('domain') } });
      },
    });
    for (const token of [Consumer, 'alias', 'theirs', 'domain']) await scope.resolve(token);
    await scope.dispose();
    await worker.dispose();
    expect(log).toEqual(['consumer', 'session']);
  });

  it('does not wake what delay put off', async () => {
    let built = 0;
    class Late {
      constructor() {
        built += 1;
      }
    }
    @injectable()
    class Holder {
      constructor(@inject(delay(() => Late)) readonly late: Ref<Late>) {}
    }
    const { worker, scope } = await start();
    await scope.resolve(Holder);
    await scope.dispose();
    await worker.dispose();
    expect(built).toBe(0);
  });

  it('goes on after failures, and reports them all', async () => {
    const failing = (message: string) => ({
      dispose: () => {
        throw new Error(message);
      },
    });
    const { worker, scope } = await start({
      register: (container) => {
        container.register('a', { useValue: failing('a broke') });
        container.register('b', { useValue: new Logged('b') });
        container.register('c', { useValue: failing('c broke') });
      },
    });
    await scope.dispose();
    const error = await failureOf(worker.dispose());
    expect(log).toEqual(['b']);
    expect(error.code).toBe('SCOPE_FAILED');
    expect(error.message).toBe('Disposing the services of the worker failed:\n  - c broke\n  - a broke');
    expect((error.cause as AggregateError).errors).toHaveLength(2);
  });

  it('reports a lease that failed together with the worker', async () => {
    class Broken {
      dispose(): void {
        throw new Error('lease broke');
      }
    }
    const { worker, scope } = await start({
      register: (container) => void container.register('own', { useFactory: () => new Broken() }),
    });
    await scope.resolve(Broken);
    await scope.resolve('own');
    const error = await failureOf(worker.dispose());
    expect(error.message).toMatch(/shard shardId-1 failed:\n {2}- lease broke\n.*the worker failed/);
    const alone = await start();
    await alone.scope.resolve(Broken);
    expect((await failureOf(alone.worker.dispose())).message).toMatch(/shard shardId-1 failed/);
  });

  it('ends what a failed attempt left behind, so that trying again starts afresh', async () => {
    let attempts = 0;
    const sessions: unknown[] = [];
    @injectable()
    class Fails {
      constructor(@inject('session') readonly session: Session) {
        sessions.push(session);
        attempts += 1;
        if (attempts === 1) throw new Error('not yet');
      }
    }
    const { scope } = await start({
      register: (container) =>
        void container.register('session', { useClass: Session }, { lifecycle: Lifecycle.ContainerScoped }),
    });
    await failureOf(scope.resolve(Fails));
    expect(log).toEqual(['session']);
    const second = await scope.resolve<Fails>(Fails);
    expect(second.session).toBe(sessions[1]);
    expect(sessions[0]).not.toBe(sessions[1]);
    await scope.dispose();
    expect(log).toEqual(['session', 'session']);
  });

  it('keeps what the lease uses when a later resolution fails', async () => {
    const { scope } = await start();
    const consumer = await scope.resolve(Consumer);
    await failureOf(scope.resolve('nowhere'));
    expect(log).toEqual([]);
    expect(await scope.resolve(Consumer)).toBe(consumer);
  });
});

// Classes that need each other: the types are referred to before they exist, which is what Ref is for.
class Chicken {
  constructor(readonly egg: unknown) {}
}
class Egg {
  constructor(readonly chicken: Chicken) {}
}
inject(Egg)(Chicken, undefined, 0);
inject(Chicken)(Egg, undefined, 0);

@injectable()
class LateEgg {
  constructor(@inject(delay(() => LateChicken)) readonly chicken: Ref<LateChicken>) {}
  layer(): string {
    return this.chicken.name;
  }
}
@injectable()
class LateChicken {
  readonly name = 'LateChicken';
  constructor(readonly egg: LateEgg) {}
}
@injectable()
class HastyEgg {
  readonly layer: string;
  constructor(@inject(delay(() => HastyChicken)) chicken: Ref<HastyChicken>) {
    this.layer = chicken.name;
  }
}
@injectable()
class HastyChicken {
  readonly name = 'HastyChicken';
  constructor(readonly egg: HastyEgg) {}
}

describe('a scope inside of a lease', () => {
  class Session {
    static disposed: Session[] = [];
    [Symbol.dispose](): void {
      Session.disposed.push(this);
    }
  }

  async function lease() {
    Session.disposed = [];
    const worker = await createTsyringeContainer({
      register: (container) =>
        void container.register(Session, { useClass: Session }, { lifecycle: Lifecycle.ContainerScoped }),
    });
    const scope = await worker.port.openScope(shard('a'));
    const open = async () => (await scope.openChild?.()) ?? Promise.reject(new Error('no inner scope'));
    return { worker, scope, open };
  }

  it('has instances of its own, the facts of the shard, and the singletons of the worker', async () => {
    const { scope, open } = await lease();
    const [outer, one, two] = [await scope.resolve<Session>(Session), await open(), await open()];
    const [first, again, second] = [
      await one.resolve<Session>(Session),
      await one.resolve<Session>(Session),
      await two.resolve<Session>(Session),
    ];
    expect(again).toBe(first);
    expect(new Set([outer, first, second]).size).toBe(3);
    expect((await one.resolve<ShardFacts>(SHARD)).shardId).toBe('a');
    expect(await one.resolve(Database)).toBe(await scope.resolve(Database));
  });

  it('disposes what was built in it, and nothing else', async () => {
    const { scope, open } = await lease();
    await scope.resolve<Session>(Session);
    const inner = await open();
    const session = await inner.resolve<Session>(Session);
    await inner.dispose();
    expect(Session.disposed).toEqual([session]);
    expect((await failureOf(inner.resolve(Session))).code).toBe('SCOPE_FAILED');
  });

  it('is disposed with its lease at the latest, before what is around it', async () => {
    const { scope, open } = await lease();
    const outer = await scope.resolve<Session>(Session);
    const inner = await (await open()).resolve<Session>(Session);
    await scope.dispose();
    expect(Session.disposed).toEqual([inner, outer]);
    expect((await failureOf(open())).code).toBe('SCOPE_FAILED');
  });
});

describe('LOGGER', () => {
  @injectable()
  class Service {
    constructor(@inject(LOGGER) readonly log: Logger) {}
  }
  const quiet = (): void => undefined;
  const logger = (): Logger => ({ debug: quiet, info: quiet, warn: quiet, error: quiet });

  it('gives services the logger of the worker, unless something else is registered for it', async () => {
    const [given, own] = [logger(), logger()];
    expect((await resolveOne(Service, { logger: given })).log).toBe(given);
    const register = (container: DependencyContainer) => void container.register(LOGGER, { useValue: own });
    expect((await resolveOne(Service, { logger: given, register })).log).toBe(own);
    const overrides = [{ token: LOGGER, useValue: own }];
    expect((await resolveOne(Service, { logger: given, overrides })).log).toBe(own);
  });
});
