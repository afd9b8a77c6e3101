/** Which sink serves which handler in this lease: described ones are the worker's, tokens are resolved in the lease's scope. */
import type { ConsumerDefinition, DeadLetter, SinkDescription } from '../definition/definition.js';
import { MillraceError } from '../errors.js';
import type { DeadLetterSink, Scope } from '../ports.js';
import type { OpenSinks } from './session-parts.js';

/** @throws MillraceError SINK_FAILED when a token gives something that is no sink. */
export async function bindSinks(
  definition: ConsumerDefinition,
  opened: ReadonlyMap<SinkDescription, DeadLetterSink>,
  scope: Scope,
): Promise<OpenSinks> {
  const ofConsumer = await bind(definition.deadLetter, opened, scope);
  const ofHandlers = new Map<string, DeadLetterSink>();
  for (const { name, deadLetter } of definition.handlers) {
    const sink = await bind(deadLetter, opened, scope);
    if (sink !== undefined) ofHandlers.set(name, sink);
  }
  return {
    sinkOf: (handlerName) => (handlerName === undefined ? undefined : ofHandlers.get(handlerName)) ?? ofConsumer,
  };
}

async function bind(
  deadLetter: DeadLetter | undefined,
  opened: ReadonlyMap<SinkDescription, DeadLetterSink>,
  scope: Scope,
): Promise<DeadLetterSink | undefined> {
  if (deadLetter === undefined) return undefined;
  const { sink } = deadLetter;
  switch (sink.kind) {
    case 'description':
      return opened.get(sink.description);
    case 'token': {
      const resolved = await scope.resolve<unknown>(sink.token);
      if (isSink(resolved)) return resolved;
      throw new MillraceError(
        'SINK_FAILED',
        `The injection token of @DeadLetter gives something without write(entry, signal) and close().`,
      );
    }
    default:
      return sink satisfies never;
  }
}

function isSink(value: unknown): value is DeadLetterSink {
  return typeof value === 'object' && value !== null && 'write' in value && typeof value.write === 'function';
}
