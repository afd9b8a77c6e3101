/**
 * `@OnRecord` and `@OnBatch`: the methods that get the records. `D` has no default, because TypeScript would take it
 * before looking at the parameters of a decoding function.
 */
import type { Batch, BatchContext, RecordContext } from '../definition/context.js';
import type { Decode } from '../definition/definition.js';
import type { BatchOptions, RecordOptions } from '../definition/handler-options.js';
import type { Payload, SchemaInput } from '../definition/payload.js';
import type { MethodDecoratorFor } from './decorator-types.js';
import { type DecoratorArguments, recordOnMember } from './store.js';

/**
 * The method handles single records, as `(payload, context)`. What it returns is awaited; then the record is handled.
 * The payload is what `decode` gave, checked by `schema`: the parameter must be annotated with a type that fits.
 * Several handlers are tried in source order, own before inherited.
 */
export function OnRecord<D extends Decode | undefined, S extends SchemaInput | undefined = undefined>(
  options?: RecordOptions<S, D>,
): MethodDecoratorFor<(payload: Payload<S, D>, context: RecordContext) => unknown> {
  return (...target: DecoratorArguments) =>
    recordOnMember('@OnRecord', target, (member) => ({ kind: 'record', options, member }));
}

/**
 * The method handles whole batches, as `(batch, context)`. Items it marks with `item.fail(error)` run again, the others
 * are handled; it returns nothing, and a throw fails the whole batch.
 */
export function OnBatch<D extends Decode | undefined, S extends SchemaInput | undefined = undefined>(
  options?: BatchOptions<S, D>,
): MethodDecoratorFor<(batch: Batch<Payload<S, D>>, context: BatchContext) => void | Promise<void>> {
  return (...target: DecoratorArguments) =>
    recordOnMember('@OnBatch', target, (member) => ({ kind: 'batch', options, member }));
}
