/** Whether a delivered batch is acknowledged while its records still wait or run: lanes, and batches that gather. */
import type { BatchHandler, ConsumerDefinition } from './definition.js';

export function acksAhead({ concurrency, handlers }: ConsumerDefinition): boolean {
  return concurrency !== undefined || gatheringHandler(handlers) !== undefined;
}

/** The batch handler whose records gather across deliveries. */
export function gatheringHandler([first]: ConsumerDefinition['handlers']): BatchHandler | undefined {
  return first?.kind === 'batch' && first.maxWaitMs !== undefined ? first : undefined;
}
