/**
 * tsyringe, made fit for workers and shard leases.
 *
 * Every worker has a container of its own and every lease a child of it. They are tsyringe's, with three public methods
 * replaced: tsyringe builds a singleton in whichever child asks first, keeps no order of creation, injects `undefined`
 * where metadata is missing, and turns errors into texts.
 *
 * C1 A singleton is built in the worker's container, whoever asks first.
 * C2 Who builds an instance disposes it: a lease what was built in it; the worker its singletons, the values that were
 *    registered, and what factories made, because they may give the same object to several leases.
 * C3 Nothing comes out of tsyringe's global container unless it was given as `parent`.
 */
import { metadata } from '../decorators/metadata.js';
import { isClass } from '../definition/classes.js';
import { type AnyConstructor, constructorFacts } from './constructor-parameters.js';
import { type Path, registeredGlobally, unregistered, unusableParameter } from './injection-errors.js';
import { Ledger } from './ledger.js';
import { Resolution } from './resolution.js';
import { serviceKind } from './services.js';
import {
  type ClassProvider,
  type DependencyContainer,
  type FactoryProvider,
  type InjectionToken,
  type Override,
  type RegistrationOptions,
  type TokenProvider,
  tsyringe,
  type ValueProvider,
} from './tsyringe.js';

const { container: globalContainer, delay, injectable: readConstructor, Lifecycle } = tsyringe();

type Token = InjectionToken<unknown>;
/** Inside, tsyringe passes its resolution context and whether the token is optional. */
type Internals = readonly unknown[];
type Resolve = (token: Token, ...internals: Internals) => unknown;
type Provider = ClassProvider<unknown> | FactoryProvider<unknown> | TokenProvider<unknown> | ValueProvider<unknown>;
type Register = (token: Token, provider: Provider, options?: RegistrationOptions) => unknown;
type BuildTarget = new (...args: never[]) => object;

interface Equipped {
  readonly container: DependencyContainer;
  readonly ledger: Ledger;
  readonly resolve: Resolve;
  readonly resolveAll: Resolve;
  readonly register: Register;
}

const DelayedConstructor = delay(() => Object).constructor;

/** The container of a worker, and what its children share with it. */
export class ServiceContainer {
  readonly root: DependencyContainer;
  readonly ledger = new Ledger();
  readonly #parent: DependencyContainer | undefined;
  readonly #resolution = new Resolution();
  /** Class providers get a token of their own: resolving it is what builds an instance. */
  readonly #builds = new Map<Token, BuildTarget>();
  /** What the worker's own registrations build, for looking ahead. */
  readonly #providers = new Map<Token, BuildTarget | undefined>();
  readonly #overridden = new Set<Token>();
  readonly #claimed = new WeakSet();
  readonly #readable = new WeakSet();

  constructor(parent: DependencyContainer | undefined, overrides: readonly Override[]) {
    this.#parent = parent;
    // tsyringe has no other public way to a new container; C3 is kept by every method replaced below.
    this.root = this.#equip(globalContainer.createChildContainer(), this.ledger);
    for (const override of overrides) this.#override(override);
  }

  /** A container for one lease, or for one attempt inside of it; its ledger owns what is built in it. */
  openChild(ledger: Ledger, parent = this.root): DependencyContainer {
    return this.#equip(parent.createChildContainer(), ledger);
  }

  /** What resolving the token would do; for checks that build nothing. */
  lookUp(token: unknown): { readonly builds: BuildTarget | undefined } | undefined {
    const known = token as Token;
    if (this.#providers.has(known)) return { builds: this.#providers.get(known) };
    const elsewhere = this.#parent?.isRegistered(known, true) === true || token instanceof DelayedConstructor;
    return elsewhere ? { builds: undefined } : undefined;
  }

  #equip(container: DependencyContainer, ledger: Ledger): DependencyContainer {
    const equipped: Equipped = {
      container,
      ledger,
      resolve: container.resolve.bind(container) as Resolve,
      resolveAll: container.resolveAll.bind(container) as Resolve,
      register: container.register.bind(container) as Register,
    };
    return Object.assign(container, {
      resolve: (token: Token, ...internals: Internals) => this.#resolve(equipped, token, internals),
      resolveAll: (token: Token, ...internals: Internals) => this.#resolveAll(equipped, token, internals),
      register: (token: Token, given: Provider | BuildTarget, options?: RegistrationOptions) => {
        const provider = typeof given === 'function' ? { useClass: given as new () => unknown } : given;
        if (!this.#overridden.has(token)) this.#register(equipped, { token, provider, options });
        return container;
      },
    });
  }

  #override(override: Override): void {
    const { token } = override;
    const isSingle = serviceKind(token) === 'singleton';
    if ('useValue' in override) {
      // Who wrote the test made it, and disposes it if need be.
      this.#claim(undefined, override.useValue);
      this.root.register(token, { useValue: override.useValue });
    } else if ('useClass' in override) {
      const lifecycle = isSingle ? Lifecycle.Singleton : Lifecycle.Transient;
      this.root.register(token, { useClass: override.useClass }, { lifecycle });
    } else {
      const { useFactory } = override;
      let made: { readonly value: unknown } | undefined;
      const once = (container: DependencyContainer) => (made ??= { value: useFactory(container) }).value;
      this.root.register(token, { useFactory: isSingle ? once : useFactory });
    }
    this.#overridden.add(token);
  }

  #register(
    { container, ledger, register }: Equipped,
    { token, provider, options }: { token: Token; provider: Provider; options: RegistrationOptions | undefined },
  ): void {
    const isRoot = container === this.root;
    if ('useValue' in provider) {
      this.#claim(ledger, provider.useValue);
      // As a factory, because tsyringe takes a value that is null or undefined for a missing provider.
      register(token, { useFactory: () => provider.useValue });
      if (isRoot) this.#providers.set(token, undefined);
      return;
    }
    if ('useFactory' in provider) {
      register(token, {
        useFactory: (from) => {
          const made = provider.useFactory(from);
          this.#claim(this.ledger, made);
          return made;
        },
      });
      if (isRoot) this.#providers.set(token, undefined);
      return;
    }
    const target = 'useClass' in provider ? provider.useClass : undefined;
    const builds = isClass(target) ? (target as BuildTarget) : undefined;
    const inner = Symbol('provider');
    if (builds !== undefined) this.#builds.set(inner, builds);
    const innerProvider = builds === undefined && target !== undefined ? { useToken: target as Token } : provider;
    register(inner, innerProvider, options);
    const isSingle = options?.lifecycle === Lifecycle.Singleton;
    register(token, isSingle ? { useFactory: () => container.resolve(inner) } : { useToken: inner });
    if (isRoot) this.#providers.set(token, builds);
  }

  #resolve(equipped: Equipped, token: Token, internals: Internals): unknown {
    if (token instanceof DelayedConstructor) {
      const proxy = equipped.resolve(token, ...internals);
      // Looking into the proxy would build what is meant to be built later.
      if (typeof proxy === 'object' && proxy !== null) this.#claimed.add(proxy);
      return proxy;
    }
    const builds = this.#builds.get(token);
    const { path } = this.#resolution;
    if (builds !== undefined && builds === path.at(-1)) return this.#build(equipped, { token, builds, internals });
    return this.#resolution.enter(builds ?? token, () => {
      if (builds !== undefined) return this.#build(equipped, { token, builds, internals });
      if (this.#isOurs(equipped, token)) return equipped.resolve(token, ...internals);
      return this.#resolveUnregistered(equipped, token, internals);
    });
  }

  #resolveUnregistered(equipped: Equipped, token: Token, internals: Internals): unknown {
    if (this.#parent?.isRegistered(token, true) === true) {
      const theirs = this.#parent.resolve(token);
      this.#claim(undefined, theirs);
      return theirs;
    }
    const { path } = this.#resolution;
    if (globalContainer.isRegistered(token)) throw registeredGlobally(token, path);
    if (typeof token !== 'function') {
      if (internals[1] === true) return undefined;
      throw unregistered(token, path, demandOf(path));
    }
    if (serviceKind(token) !== 'singleton') {
      return this.#build(equipped, { token, builds: token as BuildTarget, internals });
    }
    this.root.registerSingleton(token);
    return equipped.resolve(token, ...internals);
  }

  #resolveAll(equipped: Equipped, token: Token, internals: Internals): unknown {
    return this.#resolution.enter(token, () => {
      if (this.#isOurs(equipped, token)) return equipped.resolveAll(token, ...internals);
      if (this.#parent?.isRegistered(token, true) === true) return this.#parent.resolveAll(token);
      const { path } = this.#resolution;
      if (globalContainer.isRegistered(token)) throw registeredGlobally(token, path);
      if (typeof token === 'function') return [this.#resolveUnregistered(equipped, token, internals)];
      if (internals[1] === true) return [];
      throw unregistered(token, path, demandOf(path));
    });
  }

  #build(
    equipped: Equipped,
    { token, builds, internals }: { token: Token; builds: BuildTarget; internals: Internals },
  ): unknown {
    this.#readConstructor(builds);
    const built = equipped.resolve(token, ...internals);
    this.#claim(equipped.ledger, built);
    return built;
  }

  /** Tells tsyringe about a class whose decorators are ours, after looking whether everything is known. */
  #readConstructor(target: BuildTarget): void {
    if (this.#readable.has(target)) return;
    const { owner, parameters } = constructorFacts(target);
    parameters.forEach((parameter, index) => {
      if (parameter.kind !== 'unusable') return;
      throw unusableParameter(parameter.why, { path: this.#resolution.path, owner, index });
    });
    if (parameters.length > 0) registerParameters(owner, target);
    this.#readable.add(target);
  }

  #isOurs({ container }: Equipped, token: Token): boolean {
    return container.isRegistered(token) || this.root.isRegistered(token);
  }

  /** The first to claim an object owns it; without a ledger nobody disposes it. */
  #claim(ledger: Ledger | undefined, instance: unknown): void {
    if (typeof instance !== 'object' || instance === null || this.#claimed.has(instance)) return;
    this.#claimed.add(instance);
    ledger?.add(instance);
  }
}

/** Bases first: tsyringe reads an inherited constructor from what it has written on the base. */
function registerParameters(owner: AnyConstructor, target: AnyConstructor): void {
  if (!metadata.hasOwnMetadata('design:paramtypes', owner)) metadata.defineMetadata('design:paramtypes', [], owner);
  readConstructor()(owner);
  if (target !== owner) readConstructor()(target);
}

/** The parameter that asked for the last token of the path. */
function demandOf(path: Path): { readonly owner: AnyConstructor; readonly index: number } | undefined {
  const asker = path.at(-2);
  if (!isClass(asker)) return undefined;
  const { owner, parameters } = constructorFacts(asker as AnyConstructor);
  const index = parameters.findIndex((parameter) => parameter.kind === 'token' && parameter.token === path.at(-1));
  return index < 0 ? undefined : { owner, index };
}
