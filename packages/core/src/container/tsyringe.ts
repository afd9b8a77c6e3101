/**
 * What users and our own container have of tsyringe; the only file that names it. It is loaded when it is used first: a process
 * that injects nothing, as a supervisor, does without.
 */
import type * as Tsyringe from 'tsyringe';
import { require } from '../common-js.js';

export type { DependencyContainer, InjectionToken } from 'tsyringe';
export type { ClassProvider, FactoryProvider, RegistrationOptions, TokenProvider, ValueProvider } from 'tsyringe';

export function tsyringe(): typeof Tsyringe {
  // It refuses to load before this.
  require('reflect-metadata');
  return require('tsyringe') as typeof Tsyringe;
}

/** For classes that are declared further down, or in a module that imports this one: `@inject(delay(() => Other))`. */
export const delay: typeof Tsyringe.delay = (wrapped) => tsyringe().delay(wrapped);

/** Names the token of a constructor parameter. */
export const inject: typeof Tsyringe.inject = (token, options) => tsyringe().inject(token, options);

/** As `inject`, for everything that is registered for a token. */
export const injectAll: typeof Tsyringe.injectAll = (token, options) => tsyringe().injectAll(token, options);

export type Lifecycle = Tsyringe.Lifecycle;

/** How long an instance lives that the container builds; the values of tsyringe's own enumeration. */
export const Lifecycle = {
  Transient: 0,
  Singleton: 1,
  ResolutionScoped: 2,
  ContainerScoped: 3,
} as unknown as typeof Tsyringe.Lifecycle;

/** Replaces what is registered for a token, or a class, whatever `register` says. */
export type Override = { readonly token: Tsyringe.InjectionToken<unknown> } & (
  | { readonly useValue: unknown }
  | { readonly useClass: new (...args: never[]) => object }
  | { readonly useFactory: (container: Tsyringe.DependencyContainer) => unknown }
);
