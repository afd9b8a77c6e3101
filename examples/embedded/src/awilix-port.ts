import type { ContainerPort, ShardFacts } from '@millrace/core';
import { asClass, asValue, type AwilixContainer, type Constructor } from 'awilix';

/** What can be injected beside the application's services. */
export interface LeaseServices {
  readonly shard: ShardFacts;
}

/** Lets Millrace take its consumers from an awilix container: one scope for each shard lease, disposed with it. */
export function awilixPort<Services extends object>(container: AwilixContainer<Services>): ContainerPort {
  return {
    openScope: async (shard) => {
      const scope = container.createScope<LeaseServices>().register({ shard: asValue(shard) });
      return {
        // The runtime asks for consumers by class; sinks may be registered by name.
        resolve: async <T>(token: unknown) =>
          typeof token === 'function' ? scope.build(asClass(token as Constructor<T>)) : scope.resolve<T>(String(token)),
        dispose: () => scope.dispose(),
      };
    },
  };
}
