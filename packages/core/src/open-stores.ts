/** Opens every idempotency store that the consumers describe, once each, before the first session; and closes them after the last. */
import type { ConsumerDefinition } from './definition/definition.js';
import type { IdempotencyStoreContext, IdempotencyStoreDescription } from './definition/middleware.js';
import { MillraceError, toError } from './errors.js';
import type { IdempotencyStore, Logger } from './ports.js';

export type OpenedStores = ReadonlyMap<IdempotencyStoreDescription, IdempotencyStore>;

/** @throws MillraceError IDEMPOTENCY_FAILED naming the store; those that were open already are closed again. */
export async function openStores(
  definition: ConsumerDefinition,
  context: IdempotencyStoreContext,
): Promise<OpenedStores> {
  const opened = new Map<IdempotencyStoreDescription, IdempotencyStore>();
  for (const description of describedStores(definition)) {
    try {
      opened.set(description, await description.open(context));
    } catch (error) {
      await closeStores(opened, context.ports.logger);
      const message = `The idempotency store "${description.label}" of ${definition.name} cannot be opened: ${toError(error).message}`;
      throw new MillraceError('IDEMPOTENCY_FAILED', message, { cause: error });
    }
  }
  return opened;
}

export async function closeStores(stores: OpenedStores, logger: Logger): Promise<void> {
  for (const [description, store] of stores) {
    try {
      await store.close();
    } catch (error) {
      logger.error({ err: toError(error), store: description.label }, 'An idempotency store did not close cleanly.');
    }
  }
}

function describedStores({ handlers }: ConsumerDefinition): ReadonlySet<IdempotencyStoreDescription> {
  return new Set(
    handlers.flatMap((handler) => {
      const source = handler.kind === 'record' ? handler.idempotent?.store : undefined;
      return source?.kind === 'description' ? [source.description] : [];
    }),
  );
}
