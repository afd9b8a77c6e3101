/** Decoding and validating, with the wait for an asynchronous decode function or schema: user code with no signal of its own. */
import { MillraceError } from '../errors.js';
import type { Prepared } from '../records/pipeline.js';
import { ABORT_GRACE_MS } from './attempt.js';
import { isThenable, untilAborted } from './race.js';
import type { RecordSlot } from './record-slot.js';
import type { SessionParts } from './session-parts.js';

/**
 * Decodes and validates a record, and by itself where it may be the death of the process; undefined when the session lets no
 * handler start any more. A promise only when something has to be waited for.
 */
export function prepareSlot(parts: SessionParts, slot: RecordSlot): Prepared | Promise<Prepared | undefined> {
  const { starts } = parts;
  if (starts?.isCareful(slot) === true) return starts.prepare(slot, () => prepareNow(parts, slot));
  return prepareNow(parts, slot);
}

function prepareNow(parts: SessionParts, slot: RecordSlot): Prepared | Promise<Prepared | undefined> {
  const prepared = parts.pipeline.prepare(slot.record);
  return isThenable(prepared) ? whenPrepared(parts, slot, prepared) : prepared;
}

/** One that never answers is held, and everybody can see it. */
async function whenPrepared(
  { ports, life, consumer, holds, report }: SessionParts,
  slot: RecordSlot,
  preparing: PromiseLike<Prepared>,
): Promise<Prepared | undefined> {
  const runningMs = consumer.definition.retry.timeoutMs + ABORT_GRACE_MS;
  const handler = `${consumer.definition.name} (decode, schema)`;
  const timer = ports.clock.setTimer(runningMs, () => {
    const why = `decoding or validating it has not ended after ${runningMs} ms`;
    report.emit({ kind: 'stuck', recordId: slot.record.id, handler, runningMs });
    holds.hold(slot, why, new MillraceError('HANDLER_TIMEOUT', `${why}.`, { details: { handler, runningMs } }));
  });
  try {
    const raced = await untilAborted(preparing, life.intake);
    // Between the answer and this line the session may have ended.
    return raced.kind === 'done' && life.accepting ? raced.value : undefined;
  } finally {
    timer.cancel();
  }
}
