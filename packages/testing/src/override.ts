/** Replacing services with types that fit. */
import type { DependencyContainer, InjectionToken, Override } from '@millrace/core';

/** What others see of a service: private members of a class need no stand-in. */
export type StandIn<T> = Pick<T, keyof T>;

export interface Overriding<T> {
  /** This object; whoever made it disposes it. */
  with(value: StandIn<T>): Override;
  /** Instances of this class, with dependencies of their own; one for the bed if the service is a singleton. */
  withClass(target: new (...args: never[]) => StandIn<T> & object): Override;
  /** What the function gives. */
  withFactory(make: (container: DependencyContainer) => StandIn<T>): Override;
}

/**
 * Replaces a service in a bed: `testBed(Consumer, { overrides: [override(Mailer).with(fake)] })`. For a token that is a
 * string or a symbol, say the type: `override<Mailer>('MAILER')`.
 */
export function override<T>(token: InjectionToken<T>): Overriding<T> {
  return {
    with: (useValue) => ({ token, useValue }),
    withClass: (useClass) => ({ token, useClass }),
    withFactory: (useFactory) => ({ token, useFactory }),
  };
}
