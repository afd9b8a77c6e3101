/**
 * From a record to a handler and its payload: decode, filter, route, validate. Compiled once per consumer; synchronous whenever
 * decode and schema are, because a promise per record costs more than the rest.
 */
import type { ConsumerRecord } from '../definition/context.js';
import type { ConsumerDefinition, Decode, Handler, RecordHandler, Schema } from '../definition/definition.js';
import type { ConsumerSettings } from '../config/resolved.js';
import { DefinitionError, MillraceError } from '../errors.js';
import { BYTES_FILTERED, filterDecode } from '../definition/check-filter.js';
import { decodeFailure, decodeRecord } from './decode.js';
import { compileFilter } from './filter.js';
import { compileRouter, DecodeOnce } from './route.js';
import { isThenable, standardValidator, type Validate, type Validation, validationError } from './validate.js';
import { loadDtoValidation } from './validate-dto.js';

export interface Pipeline {
  /** Never throws and never rejects: whatever user code does in decode, when or schema becomes `failed`. */
  prepare(record: ConsumerRecord): Prepared | Promise<Prepared>;
}

export type Prepared =
  | { readonly kind: 'ready'; readonly handler: Handler; readonly payload: unknown }
  /** The consumer's filter leaves it out: it is settled without a handler. */
  | { readonly kind: 'filtered' }
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
  const take = compileTake(definition, steps, settings);
  return { prepare: compileFiltering(definition, settings.decode, take) ?? ((record) => take(record, undefined)) };
}

/** Gives a record to its handler; `decoded` has what a filter decoded already. */
type Take = (record: ConsumerRecord, decoded: DecodeOnce | undefined) => Prepared | Promise<Prepared>;

function compileTake(
  definition: ConsumerDefinition,
  steps: readonly Step[],
  settings: Pick<ConsumerSettings, 'discriminator' | 'decode'>,
): Take {
  const [only, second] = steps;
  if (only !== undefined && second === undefined && takesAll(only.handler)) {
    return (record, decoded) => decodeAndValidate(only, record, decoded);
  }
  const entries = steps.filter(isRecordStep);
  checkDiscriminator(definition.name, entries, settings.discriminator);
  const route = compileRouter({ entries, discriminator: settings.discriminator, decode: settings.decode });
  return (record, decoded = new DecodeOnce(record)) => {
    const found = route(record, decoded);
    return found.kind === 'taken' ? decodeAndValidate(found.entry, record, decoded) : found;
  };
}

const FILTERED: Prepared = Object.freeze({ kind: 'filtered' });

/**
 * Before routing, because a record that is left out needs no handler, and after decoding, because patterns look into
 * the payload. What cannot be decoded fails: nobody can say that it does not fit.
 */
function compileFiltering(
  { name, handlers, filter: patterns }: ConsumerDefinition,
  consumerDecode: Decode,
  take: Take,
): Pipeline['prepare'] | undefined {
  if (patterns === undefined) return undefined;
  const decode = filterDecode(patterns, handlers, consumerDecode);
  if (decode === undefined) {
    const message = `${name} (filter): ${BYTES_FILTERED}`;
    throw new DefinitionError([{ code: 'OPTIONS_EXCLUDE', message, path: [name, 'filter'] }]);
  }
  const filter = compileFilter(patterns);
  const handler = handlers.length === 1 ? handlers[0] : undefined;
  return (record) => {
    if (!filter.mayMatch(record)) return FILTERED;
    const decoded = new DecodeOnce(record);
    if (!filter.readsData) return take(record, decoded);
    const judge = (data: unknown) => (filter.matches(record, data) ? take(record, decoded) : FILTERED);
    const failed = (thrown: unknown): Prepared => ({ kind: 'failed', handler, error: decodeFailure(thrown, record) });
    try {
      const data = decoded.get(decode);
      return isThenable(data) ? Promise.resolve(data).then(judge).catch(failed) : judge(data);
    } catch (thrown) {
      return failed(thrown);
    }
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
