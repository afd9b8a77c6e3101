/**
 * From what was declared to a ConsumerDefinition: every mistake is found before any is reported, every default is
 * filled in, and the result is frozen. Decorators and `defineConsumer` share this, so they cannot differ.
 */
import { DefinitionError, type Issue } from '../errors.js';
import { checkCircuitBreaker } from './check-circuit-breaker.js';
import { checkConcurrency, checkLaneKeys, withMaxInFlight } from './check-concurrency.js';
import { BYTES_FILTERED, checkFilter, filterDecode } from './check-filter.js';
import { checkHandlers } from './check-handlers.js';
import { checkIdempotent, checkUse } from './check-middleware.js';
import { checkCheckpoint, checkDeadLetter, checkRetry, completeRetry } from './check-policies.js';
import { checkDiscriminator, checkKinds, checkRouting } from './check-routing.js';
import { type At, inside } from './check-values.js';
import type { DeclaredConsumer } from './declared.js';
import type { ConsumerDefinition, DeclaredOptions, Decode, Environment, Handler, OptionsSource } from './definition.js';
import type { FilterPattern } from './filter-pattern.js';
import { type DefinitionIssueCode, Issues, show } from './issues.js';

/**
 * @param found - mistakes that the caller saw while collecting; they are reported together with those found here.
 * @throws DefinitionError with every mistake in `issues`.
 */
export function buildDefinition(declared: DeclaredConsumer, found: readonly Issue[] = []): ConsumerDefinition {
  const issues = new Issues();
  issues.found.push(...found);
  const { name, words } = declared;
  const at = (what: string): At => ({ issues, place: { path: [name], label: `${name} (${what})` } });
  const atFilter = inside(at(words.filter), 'filter');

  const stream = checkName(declared.stream, { ...missingStream, at: at(words.consumer) });
  const applicationName = checkName(declared.applicationName, { ...missingApplication, at: at(words.consumer) });
  const options = checkOptionsSource(declared.options, at(words.consumer));
  const checkpoint = checkCheckpoint(declared.checkpoint, at(words.checkpoint));
  const deadLetter = checkDeadLetter(declared.deadLetter, at(words.deadLetter));
  const ownRetry = checkRetry(declared.retry, at(words.retry));
  const retry = completeRetry([ownRetry], declared.deadLetter !== undefined, at(words.retry));

  const fixed = options.kind === 'fixed' ? options.options : undefined;
  const circuitBreaker = checkCircuitBreaker(declared.circuitBreaker, at(words.circuitBreaker));
  const concurrency = checkConcurrency(declared, fixed, at(words.concurrency));
  const use = checkUse(declared.use, at(words.use));
  const kind = declared.handlers.find((handler) => handler.kind !== 'record')?.kind ?? 'record';
  const around = { kind, checkpoint: checkpoint.kind } as const;
  const idempotent = checkIdempotent(declared.idempotent, around, at(words.idempotent));
  const facts = { declared, retry: ownRetry, checkpoint, use, idempotent, options: fixed };
  const { handlers, sound } = checkHandlers(facts, issues);
  checkKinds(declared, issues);
  checkRouting(sound, declared, issues);
  checkDiscriminator(handlers, facts, issues);
  checkLaneKeys(handlers, declared, issues);
  const filter = checkFilter(declared.filter, atFilter);
  if (filter !== undefined && fixed !== undefined && !decodable(filter, handlers, fixed['decode']))
    issues.add('OPTIONS_EXCLUDE', atFilter.place, BYTES_FILTERED);
  if (issues.found.length > 0) throw new DefinitionError(Object.freeze(issues.found));

  return Object.freeze({
    name,
    stream,
    applicationName,
    options: withMaxInFlight(options, declared.concurrency),
    instance: Object.freeze(declared.instance),
    // The kinds were checked: record handlers only, or one batch handler.
    handlers: Object.freeze(handlers) as ConsumerDefinition['handlers'],
    hooks: freezeHooks(declared.hooks),
    checkpoint,
    retry,
    deadLetter,
    concurrency,
    filter,
    circuitBreaker,
  });
}

/** Options that depend on the environment are judged at the start. */
function decodable(filter: readonly FilterPattern[], handlers: readonly Handler[], decode: unknown): boolean {
  return filterDecode(filter, handlers, (decode ?? 'json') as Decode) !== undefined;
}

interface NameRule {
  readonly missing: DefinitionIssueCode;
  readonly what: string;
  readonly example: string;
  readonly at: At;
}
const missingStream = { missing: 'MISSING_STREAM', what: 'stream', example: 'orders' } as const;
const missingApplication = {
  missing: 'MISSING_APPLICATION_NAME',
  what: 'application name',
  example: 'order-mailer',
} as const;

function checkName(value: unknown, { missing, what, example, at }: NameRule): string {
  if (typeof value === 'string' && value.trim() !== '') return value;
  const code = value === undefined || value === null ? missing : 'BAD_VALUE';
  const found = code === missing ? `the ${what} is missing` : `the ${what} must be a name, not ${show(value)}`;
  at.issues.add(code, at.place, `${found}. Name it, for example '${example}'.`);
  return '';
}

function checkOptionsSource(value: unknown, at: At): OptionsSource {
  if (typeof value === 'function') {
    return Object.freeze({ kind: 'environment', options: value as (env: Environment) => DeclaredOptions });
  }
  if (value !== undefined && (typeof value !== 'object' || value === null || Array.isArray(value))) {
    at.issues.add(
      'BAD_VALUE',
      at.place,
      `options must be an object, or a function that gives one, not ${show(value)}.`,
    );
    return { kind: 'fixed', options: {} };
  }
  return Object.freeze({ kind: 'fixed', options: Object.freeze({ ...value } as DeclaredOptions) });
}

function freezeHooks(hooks: ConsumerDefinition['hooks']): ConsumerDefinition['hooks'] {
  for (const hook of Object.values(hooks)) Object.freeze(hook);
  return Object.freeze(hooks);
}
