/** The dead-letter sinks that a consumer describes, each once; those behind injection tokens are known to the container alone. */
import type { ConsumerDefinition, DeadLetter, SinkDescription } from './definition.js';

export function describedSinks(definition: ConsumerDefinition): ReadonlySet<SinkDescription> {
  const declared: (DeadLetter | undefined)[] = [
    definition.deadLetter,
    ...definition.handlers.map((handler) => handler.deadLetter),
  ];
  return new Set(
    declared.flatMap((deadLetter) => (deadLetter?.sink.kind === 'description' ? [deadLetter.sink.description] : [])),
  );
}
