/** From a handler's `schema` and `decode` to the type of its payload: what makes a wrong handler fail to compile. */
import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { Decode } from './definition.js';

/** A class with class-validator decorators; it is built without arguments. */
export type DtoClass<T extends object = object> = new () => T;

/** A Standard Schema (zod, valibot, arktype, ...) or a DTO class. */
export type SchemaInput = StandardSchemaV1 | DtoClass;

/** What `decode` gives: text is a string, bytes are a Uint8Array, a function gives what it returns, JSON is unknown. */
export type Decoded<D extends Decode | undefined> = D extends 'text'
  ? string
  : D extends 'bytes'
    ? Uint8Array
    : D extends (...args: never) => infer T
      ? Awaited<T>
      : unknown;

/** What the handler gets. Standard Schema is tested first, because ArkType schemas are functions as well. */
export type Payload<S extends SchemaInput | undefined, D extends Decode | undefined> = S extends StandardSchemaV1
  ? StandardSchemaV1.InferOutput<S>
  : S extends DtoClass<infer T>
    ? T
    : Decoded<D>;
