/**
 * From a record to a handler and its payload: decode, route, validate. Compiled once per consumer; synchronous whenever
 * decode and schema are, because a promise per record costs more than the rest.
 */
import type { ConsumerRecord } from '../definition/context.js';
import type { ConsumerDefinition, Decode, Handler, RecordHandler } from '../definition/definition.js';
import type { ConsumerSettings } from '../config/resolved.js';
import { DefinitionError, MillraceError } from '../errors.js';
import { decodeFailure } from './decode.js';
import { compileRouter, DecodeOnce, type Router } from './route.js';
import { isThenable, standardValidator, type Validate, type Validation, validationError } from './validate.js';
import { loadDtoValidation } from './validate-dto.js';

export interface Pipeline {
  /** Never throws and never rejects: whatever user code does in decode, when or schema becomes `failed`. */
  prepare(record: ConsumerRecord): Prepared | Promise<Prepared>;
}

export type Prepared =
  | { readonly kind: 'ready'; readonly handler: Handler; readonly payload: unknown }
  | {
      readonly kind: 'failed';
      /** Undefined when no handler was found: the consumer's own policies count then. */
      readonly handler: Handler | undefined;
      /** DECODE_FAILED, VALIDATION_FAILED or NO_HANDLER_MATCHED. */
      readonly error: MillraceError;
    };

/** @throws DEPENDENCY_MISSING or DEFINITION_INVALID before the first record, never because of one. */
export async function compilePipeline(
  definition: ConsumerDefinition,
  settings: Pick<ConsumerSettings, 'discriminator' | 'decode'>,
): Promise<Pipeline> {
  const validators = await compileValidators(definition.handlers);
  const [only, second] = definition.handlers;
  const finish = (handler: Handler, record: ConsumerRecord, decoded: DecodeOnce) =>
    decodeAndValidate({ handler, record, validate: validators.get(handler) }, () =>
      decoded.get(handler.decode ?? settings.decode),
    );
  if (only !== undefined && second === undefined && takesAll(only)) {
    return { prepare: (record) => finish(only, record, new DecodeOnce(record)) };
  }
  const route = recordRouter(definition, settings);
  return {
    prepare(record) {
      const decoded = new DecodeOnce(record);
      const found = route(record, decoded);
      return found.kind === 'taken' ? finish(found.handler, record, decoded) : found;
    },
  };
}

function takesAll(handler: Handler): boolean {
  return handler.kind === 'batch' || (handler.type === undefined && handler.when === undefined);
}

function recordRouter(
  definition: ConsumerDefinition,
  settings: { discriminator: string | undefined; decode: Decode },
): Router {
  const handlers = definition.handlers.filter((handler): handler is RecordHandler => handler.kind === 'record');
  const typed = handlers.find(({ type }) => type !== undefined);
  // Options that depend on the environment are known only now.
  if (typed !== undefined && (settings.discriminator === undefined || settings.discriminator === '')) {
    const message =
      `${definition.name}.${typed.name}: it takes the type '${typed.type}', but nothing says where the type stands. ` +
      "Add discriminator: 'type' to the consumer's options.";
    throw new DefinitionError([{ code: 'TYPE_WITHOUT_DISCRIMINATOR', message, path: [definition.name, typed.name] }]);
  }
  return compileRouter({ handlers, discriminator: settings.discriminator, decode: settings.decode });
}

async function compileValidators(handlers: readonly Handler[]): Promise<ReadonlyMap<Handler, Validate>> {
  const validators = new Map<Handler, Validate>();
  for (const handler of handlers) {
    const { schema } = handler;
    if (schema === undefined) continue;
    switch (schema.kind) {
      case 'standard':
        validators.set(handler, standardValidator(schema.schema));
        break;
      case 'dto':
        validators.set(handler, (await loadDtoValidation())(schema.target));
        break;
      default:
        schema satisfies never;
    }
  }
  return validators;
}

interface Step {
  readonly handler: Handler;
  readonly record: ConsumerRecord;
  readonly validate: Validate | undefined;
}

function decodeAndValidate(step: Step, decode: () => unknown): Prepared | Promise<Prepared> {
  const failed = (thrown: unknown): Prepared => ({
    kind: 'failed',
    handler: step.handler,
    error: decodeFailure(thrown, step.record),
  });
  try {
    const value = decode();
    if (!isThenable(value)) return validated(step, value);
    return Promise.resolve(value).then((decoded) => validated(step, decoded), failed);
  } catch (thrown) {
    return failed(thrown);
  }
}

function validated(step: Step, payload: unknown): Prepared | Promise<Prepared> {
  const { handler, validate } = step;
  if (validate === undefined) return { kind: 'ready', handler, payload };
  try {
    const result = validate(payload);
    if (!isThenable(result)) return conclude(step, result);
    return Promise.resolve(result).then(
      (validation) => conclude(step, validation),
      (thrown: unknown) => schemaThrew(step, thrown),
    );
  } catch (thrown) {
    return schemaThrew(step, thrown);
  }
}

function conclude({ handler, record }: Step, result: Validation): Prepared {
  if (result.kind === 'valid') return { kind: 'ready', handler, payload: result.value };
  return { kind: 'failed', handler, error: validationError({ record, handler: handler.name, issues: result.issues }) };
}

function schemaThrew({ handler, record }: Step, cause: unknown): Prepared {
  const issues = [{ path: '', message: 'the schema threw instead of answering; see the cause' }];
  return { kind: 'failed', handler, error: validationError({ record, handler: handler.name, issues, cause }) };
}
