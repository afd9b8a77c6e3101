/** Standard Schema validation (zod, valibot, arktype, ...), and how its issues become one readable error. */
import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { ConsumerRecord } from '../definition/context.js';
import { MillraceError } from '../errors.js';

export type Validation =
  | { readonly kind: 'valid'; readonly value: unknown }
  | { readonly kind: 'invalid'; readonly issues: readonly ValidationIssue[]; readonly cause?: unknown };

export interface ValidationIssue {
  /** Inside the payload: `items[2].price`; empty for the payload itself. */
  readonly path: string;
  readonly message: string;
}

/** Synchronous unless the schema is not. It may throw, as user code may. */
export type Validate = (value: unknown) => Validation | Promise<Validation>;

export function standardValidator(schema: StandardSchemaV1): Validate {
  const standard = schema['~standard'];
  return (value) => {
    const result = standard.validate(value);
    return isThenable(result) ? result.then(toValidation) : toValidation(result);
  };
}

/** Also true for promises of other libraries and realms. */
export function isThenable(value: unknown): value is Promise<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}

function toValidation(result: StandardSchemaV1.Result<unknown>): Validation {
  if (result.issues === undefined) return { kind: 'valid', value: result.value };
  return {
    kind: 'invalid',
    issues: result.issues.map(({ message, path }) => ({
      path: renderPath((path ?? []).map((step) => (typeof step === 'object' ? step.key : step))),
      message,
    })),
  };
}

/** `['items', 2, 'price']` as `items[2].price`. */
export function renderPath(steps: readonly PropertyKey[]): string {
  let path = '';
  for (const step of steps) {
    const name = String(step);
    if (/^\d+$/.test(name)) path += `[${name}]`;
    else path += path === '' ? name : `.${name}`;
  }
  return path;
}

const issuesShown = 10;

export interface ValidationFailure {
  readonly record: ConsumerRecord;
  readonly handler: string;
  readonly issues: readonly ValidationIssue[];
  readonly cause?: unknown;
}

export function validationError({ record, handler, issues, cause }: ValidationFailure): MillraceError {
  const lines = issues
    .slice(0, issuesShown)
    .map(({ path, message }) => `  - ${path === '' ? '(payload)' : path}: ${message}`);
  if (issues.length > issuesShown) lines.push(`  - and ${issues.length - issuesShown} more`);
  const { id, shardId, sequenceNumber, subSequenceNumber } = record;
  return new MillraceError(
    'VALIDATION_FAILED',
    `The record ${id} does not fit the schema of ${handler}:\n${lines.join('\n')}`,
    {
      details: { handler, shardId, sequenceNumber, subSequenceNumber, issues },
      ...(cause === undefined ? {} : { cause }),
    },
  );
}
