/**
 * What decorators and `defineConsumer` found, before anyone judged it: values are unknown, because JavaScript callers
 * exist. `buildDefinition` turns this into a ConsumerDefinition or into a list of mistakes.
 */
import type { Hooks, InstanceSource, WindowHandler } from './definition.js';
import type { Place } from './issues.js';

export interface DeclaredConsumer {
  readonly name: string;
  readonly words: Words;
  readonly stream: unknown;
  readonly applicationName: unknown;
  readonly options: unknown;
  readonly instance: InstanceSource;
  /** In routing order. */
  readonly handlers: readonly DeclaredHandler[];
  readonly hooks: Hooks;
  readonly checkpoint: unknown;
  readonly retry: unknown;
  readonly deadLetter: DeclaredDeadLetter | undefined;
  readonly concurrency: unknown;
  /** A pattern, or a list of them. */
  readonly filter: unknown;
  readonly use: unknown;
  readonly idempotent: unknown;
  readonly circuitBreaker: unknown;
}

export interface DeclaredHandler {
  readonly kind: 'record' | 'batch' | 'window';
  readonly name: string;
  readonly options: unknown;
  /** Of a window handler; undefined when what was given is no function, or names no method. */
  readonly emit?: WindowHandler['emit'] | undefined;
  readonly retry: unknown;
  readonly deadLetter: DeclaredDeadLetter | undefined;
  readonly use: unknown;
  readonly idempotent: unknown;
  /** The compiler's record of the payload parameter's type; undefined when there is none. */
  readonly parameter: unknown;
  readonly call: (instance: object, payload: unknown, context: unknown) => unknown;
}

export interface DeclaredDeadLetter {
  readonly sink: unknown;
  readonly options: unknown;
}

export function handlerPlace(declared: DeclaredConsumer, handler: Pick<DeclaredHandler, 'kind' | 'name'>): Place {
  const decorator = declared.words[handler.kind];
  return { path: [declared.name, handler.name], label: `${declared.name}.${handler.name} (${decorator})` };
}

/** How messages name things, so that they speak of what the user wrote. */
export interface Words {
  readonly record: string;
  readonly batch: string;
  readonly window: string;
  readonly consumer: string;
  readonly checkpoint: string;
  readonly retry: string;
  readonly deadLetter: string;
  readonly concurrency: string;
  readonly filter: string;
  readonly use: string;
  readonly idempotent: string;
  readonly circuitBreaker: string;
}

export const decoratorWords: Words = {
  record: '@OnRecord',
  batch: '@OnBatch',
  window: '@OnWindow',
  consumer: '@KinesisConsumer',
  checkpoint: '@CheckpointPolicy',
  retry: '@RetryPolicy',
  deadLetter: '@DeadLetter',
  concurrency: '@Concurrency',
  filter: '@Filter',
  use: '@Use',
  idempotent: '@Idempotent',
  circuitBreaker: '@CircuitBreaker',
};

export const dataWords: Words = {
  record: 'recordHandler',
  batch: 'batchHandler',
  window: 'windowHandler',
  consumer: 'defineConsumer',
  checkpoint: 'checkpoint',
  retry: 'retry',
  deadLetter: 'deadLetter',
  concurrency: 'concurrency',
  filter: 'filter',
  use: 'use',
  idempotent: 'idempotent',
  circuitBreaker: 'circuitBreaker',
};
