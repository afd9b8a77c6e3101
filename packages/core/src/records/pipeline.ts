/**
 * From a record to a handler and its payload: decode, route, validate. Compiled once per consumer; synchronous whenever
 * decode and schema are, because a promise per record costs more than the rest.
 */
import type { ConsumerRecord } from '../definition/context.js';
import type { ConsumerDefinition, Decode, Handler, RecordHandler, Schema } from '../definition/definition.js';
import type { ConsumerSettings } from '../config/resolved.js';
import { DefinitionError, MillraceError } from '../errors.js';
import { decodeFailure, decodeRecord } from './decode.js';
import { compileRouter, DecodeOnce } from './route.js';
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
  const { handlers } = definition;
  const steps: Step[] = [];
  for (const handler of handlers) {
    const decode = handler.decode ?? settings.decode;
    steps.push({ handler, decode, validate: await compileValidator(handler.schema) });
  }
  const [only, second] = steps;
  if (only !== undefined && second === undefined && takesAll(only.handler)) {
    return { prepare: (record) => decodeAndValidate(only, record, undefined) };
  }
  const entries = steps.filter(isRecordStep);
  checkDiscriminator(definition.name, entries, settings.discriminator);
  const route = compileRouter({ entries, discriminator: settings.discriminator, decode: settings.decode });
  return {
    prepare(record) {
      const decoded = new DecodeOnce(record);
      const found = route(record, decoded);
      return found.kind === 'taken' ? decodeAndValidate(found.entry, record, decoded) : found;
    },
  };
}

function takesAll(handler: Handler): boolean {
  return handler.kind !== 'record' || (handler.type === undefined && handler.when === undefined);
}

/** Options that depend on the environment are known only now. */
function checkDiscriminator(consumer: string, steps: readonly RecordStep[], discriminator: string | undefined): void {
  const typed = steps.find(({ handler }) => handler.type !== undefined)?.handler;
  if (typed === undefined || (discriminator !== undefined && discriminator !== '')) return;
  const message =
    `${consumer}.${typed.name}: it takes the type '${typed.type}', but nothing says where the type stands. ` +
    "Add discriminator: 'type' to the consumer's options.";
  throw new DefinitionError([{ code: 'TYPE_WITHOUT_DISCRIMINATOR', message, path: [consumer, typed.name] }]);
}

async function compileValidator(schema: Schema | undefined): Promise<Validate | undefined> {
  if (schema === undefined) return undefined;
  return schema.kind === 'standard' ? standardValidator(schema.schema) : (await loadDtoValidation())(schema.target);
}

/** What is done for a handler, compiled once. */
interface Step {
  readonly handler: Handler;
  readonly decode: Decode;
  readonly validate: Validate | undefined;
}

type RecordStep = Step & { readonly handler: RecordHandler };

function isRecordStep(step: Step): step is RecordStep {
  return step.handler.kind === 'record';
}

/** `decoded` has what routing decoded already. */
function decodeAndValidate(
  step: Step,
  record: ConsumerRecord,
  decoded: DecodeOnce | undefined,
): Prepared | Promise<Prepared> {
  try {
    const value = decoded === undefined ? decodeRecord(step.decode, record) : decoded.get(step.decode);
    if (!isThenable(value)) return validated(step, record, value);
    return Promise.resolve(value).then(
      (payload) => validated(step, record, payload),
      (thrown: unknown) => decodeFailed(step, record, thrown),
    );
  } catch (thrown) {
    return decodeFailed(step, record, thrown);
  }
}

function decodeFailed({ handler }: Step, record: ConsumerRecord, thrown: unknown): Prepared {
  return { kind: 'failed', handler, error: decodeFailure(thrown, record) };
}

function validated(step: Step, record: ConsumerRecord, payload: unknown): Prepared | Promise<Prepared> {
  const { handler, validate } = step;
  if (validate === undefined) return { kind: 'ready', handler, payload };
  try {
    const result = validate(payload);
    if (!isThenable(result)) return conclude(step, record, result);
    return Promise.resolve(result).then(
      (validation) => conclude(step, record, validation),
      (thrown: unknown) => schemaThrew(step, record, thrown),
    );
  } catch (thrown) {
    return schemaThrew(step, record, thrown);
  }
}

function conclude({ handler }: Step, record: ConsumerRecord, result: Validation): Prepared {
  if (result.kind === 'valid') return { kind: 'ready', handler, payload: result.value };
  return { kind: 'failed', handler, error: validationError({ record, handler: handler.name, issues: result.issues }) };
}

function schemaThrew({ handler }: Step, record: ConsumerRecord, cause: unknown): Prepared {
  const issues = [{ path: '', message: 'the schema threw instead of answering; see the cause' }];
  return { kind: 'failed', handler, error: validationError({ record, handler: handler.name, issues, cause }) };
}
