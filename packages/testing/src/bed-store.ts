/** What takes the place of every idempotency store of a consumer: one in memory, as long as the bed. */
import {
  memoryStore,
  type ConsumerDefinition,
  type IdempotencyStore,
  type IdempotencyStoreDescription,
  type IdempotencyStoreSource,
  type Logger,
} from '@millrace/core';
import type { VirtualClock } from './virtual-clock.js';

export function openBedStore(
  { applicationName, stream }: ConsumerDefinition,
  { clock, log }: { readonly clock: VirtualClock; readonly log: Logger },
): Promise<IdempotencyStore> {
  return memoryStore().open({
    applicationName,
    stream,
    region: undefined,
    ports: { clock, random: () => 0, logger: log },
  });
}

/** Every store that a handler of the consumer names. */
export function declaredStores({ handlers }: ConsumerDefinition): readonly IdempotencyStoreSource[] {
  return handlers.flatMap((handler) =>
    handler.kind === 'record' && handler.idempotent !== undefined ? [handler.idempotent.store] : [],
  );
}

export function describedStores(definition: ConsumerDefinition): readonly IdempotencyStoreDescription[] {
  return declaredStores(definition).flatMap((store) => (store.kind === 'description' ? [store.description] : []));
}
