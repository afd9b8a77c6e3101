import type { ConsumerDefinition, DeclaredOptions, Environment, RetryPolicy } from '../definition/definition.js';
import { ConfigurationError } from '../errors.js';
import type { ResolveInputs } from './resolve.js';
import { resolveConsumer } from './resolve.js';
import type { ResolvedConsumer } from './resolved.js';

const RETRY: RetryPolicy = {
  attempts: 5,
  initialDelayMs: 200,
  maxDelayMs: 30_000,
  factor: 2,
  timeoutMs: 60_000,
  maxRecordAgeMs: undefined,
  then: 'hold',
  overrides: [],
};

class OrderMailer {}

/** A consumer of the stream `orders` under the name `order-mailer`. */
export function definitionOf(overrides: Partial<ConsumerDefinition> = {}): ConsumerDefinition {
  return {
    name: 'OrderMailer',
    stream: 'orders',
    applicationName: 'order-mailer',
    options: { kind: 'fixed', options: {} },
    instance: { kind: 'class', target: OrderMailer },
    handlers: [],
    hooks: { initialize: undefined, shardEnd: undefined, leaseLost: undefined, shutdownRequested: undefined },
    checkpoint: { kind: 'periodic', everyMs: 5000, everyRecords: undefined },
    retry: RETRY,
    deadLetter: undefined,
    concurrency: undefined,
    filter: undefined,
    circuitBreaker: undefined,
    ...overrides,
  };
}

export interface Scenario extends Partial<ResolveInputs> {
  /** What the decorator says. */
  readonly declared?: DeclaredOptions;
  readonly definition?: Partial<ConsumerDefinition>;
  readonly env?: Environment;
  /** The user's file, `app.properties`. */
  readonly text?: string;
}

export function resolveScenario(scenario: Scenario = {}): ResolvedConsumer {
  const { declared, definition, text, ...inputs } = scenario;
  return resolveConsumer(
    definitionOf({
      ...(declared === undefined ? {} : { options: { kind: 'fixed', options: declared } }),
      ...definition,
    }),
    { env: {}, engine: 'daemon', ...(text === undefined ? {} : { file: { path: 'app.properties', text } }), ...inputs },
  );
}

/** The effective value of a property, as written; undefined when it is left to KCL. */
export function valueOf(resolved: ResolvedConsumer, name: string): string | undefined {
  return resolved.properties.find((property) => property.name === name)?.value;
}

/** The mistakes of a scenario as `CODE message`. */
export function mistakesOf(scenario: Scenario): readonly string[] {
  try {
    resolveScenario(scenario);
  } catch (error) {
    if (error instanceof ConfigurationError) return error.issues.map((issue) => `${issue.code} ${issue.message}`);
    throw error;
  }
  return [];
}

/** The codes of the notices of a scenario. */
export function noticesOf(scenario: Scenario): readonly string[] {
  return resolveScenario(scenario).notices.map((notice) => notice.code);
}
