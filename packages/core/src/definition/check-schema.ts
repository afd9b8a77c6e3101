/** Schemas, and whether a handler's recorded parameter type agrees with its schema. */
import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { At } from './check-values.js';
import { inside } from './check-values.js';
import { isBuiltIn, isClass, isSameOrDerived } from './classes.js';
import type { Decode, Schema } from './definition.js';
import { show } from './issues.js';

export function checkSchema(value: unknown, at: At): Schema | undefined {
  if (value === undefined) return undefined;
  if (isStandardSchema(value)) return Object.freeze({ kind: 'standard', schema: value });
  const mistake = dtoMistake(value);
  if (mistake === undefined) return Object.freeze({ kind: 'dto', target: value as new () => object });
  at.issues.add('BAD_SCHEMA', inside(at, 'schema').place, mistake);
  return undefined;
}

/** ArkType schemas are functions, so this is asked before anything is taken for a class. */
function isStandardSchema(value: unknown): value is StandardSchemaV1 {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false;
  const standard = (value as Partial<StandardSchemaV1>)['~standard'];
  return typeof standard === 'object' && typeof standard.validate === 'function';
}

function dtoMistake(value: unknown): string | undefined {
  if (value === null) return 'the schema is null. Leave it out, or check that its module is loaded before this one.';
  if (isBuiltIn(value)) {
    return `${show(value)} is no schema. For text say decode: 'text'; for a shape give a schema such as z.object({...}).`;
  }
  if (!isClass(value)) {
    return `the schema is ${show(value)}, neither a Standard Schema (zod 3.24, valibot 1, arktype 2 or newer) nor a class.`;
  }
  if (value.length > 0) {
    return `the DTO ${value.name} has constructor parameters, but it is built without any. Give them defaults.`;
  }
  return undefined;
}

/** Bytes and text cannot become a DTO: class-transformer builds it from an object. */
export function checkSchemaFitsDecode(schema: Schema | undefined, decode: Decode | undefined, at: At): void {
  if (schema?.kind !== 'dto' || (decode !== 'bytes' && decode !== 'text')) return;
  at.issues.add(
    'OPTIONS_EXCLUDE',
    inside(at, 'decode').place,
    `decode: '${decode}' and the DTO ${schema.target.name} exclude each other. Leave decode out, or decode with a function.`,
  );
}

export interface ParameterFacts {
  /** The compiler's record of the parameter's type; interfaces, unions and unknown are recorded as Object. */
  readonly parameter: unknown;
  readonly schema: Schema | undefined;
  /** True when a function decodes: it may well return instances of the parameter's class. */
  readonly decodesByFunction: boolean;
}

export function checkParameter(facts: ParameterFacts, at: At): void {
  const { parameter, schema } = facts;
  if (typeof parameter !== 'function' || isVague(parameter)) return;
  if (schema?.kind === 'dto') {
    if (isClass(parameter) && isSameOrDerived(schema.target, parameter)) return;
    at.issues.add(
      'PARAMETER_MISMATCH',
      at.place,
      `the parameter is ${parameter.name}, but the schema gives ${schema.target.name}. Make them the same class.`,
    );
    return;
  }
  if (schema !== undefined || facts.decodesByFunction || isBuiltIn(parameter)) return;
  at.issues.add(
    'DTO_PARAMETER_WITHOUT_SCHEMA',
    at.place,
    `the parameter is ${parameter.name}, but nothing makes one of the payload: it would be a plain, unchecked object. ` +
      `Say { schema: ${parameter.name} }.`,
  );
}

/** What compilers record for interfaces, unions, `unknown` and types they cannot see. */
function isVague(parameter: unknown): boolean {
  return parameter === Object || parameter === Function;
}
