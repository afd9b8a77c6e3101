/** Opens every dead-letter sink that the consumers describe, once each, before the first session; and closes them after the last. */
import type { ConsumerDefinition, SinkContext, SinkDescription } from './definition/definition.js';
import { describedSinks } from './definition/described-sinks.js';
import { isMillraceError, MillraceError, toError } from './errors.js';
import type { DeadLetterSink, Logger } from './ports.js';

export type OpenedSinks = ReadonlyMap<SinkDescription, DeadLetterSink>;

/** @throws MillraceError SINK_FAILED or DEPENDENCY_MISSING naming the sink; those that were open already are closed again. */
export async function openSinks(definition: ConsumerDefinition, context: SinkContext): Promise<OpenedSinks> {
  const opened = new Map<SinkDescription, DeadLetterSink>();
  for (const description of describedSinks(definition)) {
    try {
      opened.set(description, await description.open(context));
    } catch (error) {
      await closeSinks(opened, context.ports.logger);
      throw new MillraceError(
        isMillraceError(error, 'DEPENDENCY_MISSING') ? error.code : 'SINK_FAILED',
        `The dead-letter sink "${description.label}" of ${definition.name} cannot be opened: ${toError(error).message}`,
        { cause: error },
      );
    }
  }
  return opened;
}

export async function closeSinks(sinks: OpenedSinks, logger: Logger): Promise<void> {
  for (const [description, sink] of sinks) {
    try {
      await sink.close();
    } catch (error) {
      logger.error({ err: toError(error), sink: description.label }, 'A dead-letter sink did not close cleanly.');
    }
  }
}
