/** The classes that the container has to build for a consumer. */
import { isClass } from '../definition/classes.js';
import type { ConsumerClass, ConsumerDefinition } from '../definition/definition.js';

export function classesOf({ instance, handlers }: ConsumerDefinition): readonly ConsumerClass[] {
  const middleware = handlers.flatMap(({ use }) =>
    use.map((source) => (source.kind === 'token' ? source.token : undefined)),
  );
  const own = instance.kind === 'class' ? [instance.target] : [];
  return [...new Set([...own, ...middleware.filter(isClass)])];
}
