/** A consumer as it runs parked records again: everything as declared, except what follows when one fails again. Pure. */
import type { ResolvedConsumer } from '../config/resolved.js';
import { MillraceError } from '../errors.js';
import type { ConsumerDefinition, DeadLetter, RetryPolicy, SinkDescription } from '../definition/definition.js';

/** Stands for every sink of the consumer: a record that fails again is where it was, so nothing is written. */
export const STAYS_PARKED: SinkDescription = {
  sink: 'millrace.sink',
  label: 'stays parked',
  durable: true,
  open: () => Promise.resolve({ durable: true, write: () => Promise.resolve(), close: () => Promise.resolve() }),
};

const STAYS: DeadLetter = { sink: { kind: 'description', description: STAYS_PARKED }, sameKey: 'continue' };

/** Attempts, delays and deadlines stay. Whatever `then` says, a record that fails stays parked; its age is no reason. */
export function forReplay(consumer: ResolvedConsumer): ResolvedConsumer {
  return { ...consumer, definition: definitionForReplay(consumer.definition) };
}

function definitionForReplay(definition: ConsumerDefinition): ConsumerDefinition {
  const [first, ...others] = definition.handlers;
  // A group may hold the same record twice, and what fails keeps the rest of its key where it is: one after the other.
  const policies = { retry: policyForReplay(definition.retry), deadLetter: STAYS, concurrency: undefined };
  if (first?.kind === 'window') throw ofWindow(definition.name, first.name);
  if (first?.kind === 'batch') return { ...definition, ...policies, handlers: [ownPolicies(first)] };
  const records = [first, ...others].filter((handler) => handler?.kind === 'record');
  return { ...definition, ...policies, handlers: records.map(ownPolicies) };
}

/** Its window was emitted without it, and one record alone is no window. */
function ofWindow(consumer: string, handler: string): MillraceError {
  return new MillraceError(
    'REPLAY_FAILED',
    `The records that ${consumer}.${handler} could not take belong to windows that were emitted long since, so they cannot be replayed. ` +
      'Look at them with millrace dead-letter show, put what still counts into the stream again (millrace put), and drop them.',
  );
}

function ownPolicies<H extends { readonly retry: RetryPolicy | undefined }>(handler: H): H & { deadLetter: undefined } {
  return {
    ...handler,
    retry: handler.retry === undefined ? undefined : policyForReplay(handler.retry),
    deadLetter: undefined,
  };
}

function policyForReplay(policy: RetryPolicy): RetryPolicy {
  return { ...policy, then: 'deadLetter', maxRecordAgeMs: undefined };
}

/** Whether a record that fails again keeps the later ones of its key where they are. */
export function holdsKeys({ deadLetter, handlers }: ConsumerDefinition): boolean {
  return [deadLetter, ...handlers.map((handler) => handler.deadLetter)].some((one) => one?.sameKey === 'hold');
}
