/**
 * `@OnRecord`, `@OnBatch` and `@OnWindow`: the methods that get the records. `D` has no default, because TypeScript would take it
 * before looking at the parameters of a decoding function.
 */
import type { Batch, BatchContext, RecordContext, WindowRecordContext } from '../definition/context.js';
import type { Decode } from '../definition/definition.js';
import type { BatchOptions, Emit, RecordOptions, WindowOptions } from '../definition/handler-options.js';
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

/** Stands on a method that takes records into a window, in a class whose method `E` emits it. */
interface WindowMethod<Fn extends (...args: never[]) => unknown, E extends string, State> {
  <T extends { readonly [K in E]: Emit<State> }, K extends keyof T, M extends Fn>(
    target: T & { readonly prototype?: never },
    key: K,
    descriptor: TypedPropertyDescriptor<M>,
  ): void;
}

type Absorb<State, S extends SchemaInput | undefined, D extends Decode | undefined> = (
  payload: Payload<S, D>,
  context: WindowRecordContext<State>,
) => unknown;

/**
 * The method takes each record into the state of a tumbling window, as `(payload, context)` with `context.state`; `emit`
 * names the method that gets the state of each window that is over, as `(state, context)`, or is such a function. Windows go
 * by the records' arrival at Kinesis. A checkpoint covers only windows that were emitted, so a crash computes the rest again.
 */
export function OnWindow<State, D extends Decode | undefined, S extends SchemaInput | undefined = undefined>(
  options: WindowOptions<State, S, D> & { readonly emit: Emit<State> },
): MethodDecoratorFor<Absorb<State, S, D>>;
export function OnWindow<
  State,
  E extends string,
  D extends Decode | undefined,
  S extends SchemaInput | undefined = undefined,
>(options: WindowOptions<State, S, D> & { readonly emit: E }): WindowMethod<Absorb<State, S, D>, E, State>;
export function OnWindow(options: object) {
  return (...target: DecoratorArguments): void =>
    recordOnMember('@OnWindow', target, (member) => ({ kind: 'window', options, member }));
}
