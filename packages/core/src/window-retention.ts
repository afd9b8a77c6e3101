/** Windows against the stream's retention, which is known only once the stream was looked at. */
import type { ResolvedConsumer } from './config/resolved.js';
import { MillraceError } from './errors.js';

/** After a crash a window is computed again from its records: they must still be there when it ends, also after an outage. */
const PARTS_OF_RETENTION = 4;

/** @throws MillraceError CONFIGURATION_INVALID when a window is longer than a quarter of the retention. */
export function refuseLongWindows({ definition, stream }: ResolvedConsumer, retentionMs: number | undefined): void {
  const [handler] = definition.handlers;
  if (handler?.kind !== 'window' || retentionMs === undefined) return;
  const { everyMs } = handler;
  const longestMs = retentionMs / PARTS_OF_RETENTION;
  if (everyMs <= longestMs) return;
  throw new MillraceError(
    'CONFIGURATION_INVALID',
    `${definition.name}.${handler.name}: a window of ${everyMs} ms is longer than a quarter of what the stream "${stream}" keeps ` +
      `(${retentionMs / 3_600_000} h), so an outage could lose its records before it is computed again. ` +
      `Say everyMs: ${longestMs} at most, or raise the retention of the stream.`,
    { details: { everyMs, retentionMs } },
  );
}
