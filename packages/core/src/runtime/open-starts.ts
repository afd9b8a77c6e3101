/** What has a say in the starts of one session: nothing, where the consumer has no breaker and no process writes flights. */
import { parsePosition } from '../protocol/position.js';
import { BreakerGate } from './breaker-gate.js';
import { Flights } from './flights.js';
import type { Holds } from './holds.js';
import type { Reporter } from './reporter.js';
import type { ShardRunnerOptions } from './runner-options.js';
import type { SessionLife } from './session-life.js';
import type { SessionParts } from './session-parts.js';
import { Starts } from './starts.js';

type Parts = Pick<ShardRunnerOptions, 'breaker' | 'flights' | 'consumer'> & {
  readonly report: Reporter;
  readonly life: SessionLife;
  readonly holds: Holds;
};

export function openStarts(
  { breaker, flights: recorder, consumer, report, life, holds }: Parts,
  { shardId, startsAfter: { sequenceNumber, subSequenceNumber } }: SessionParts['facts'],
): { readonly starts: Starts | undefined; readonly flights: Flights | undefined } {
  const startsAfter = parsePosition(sequenceNumber, subSequenceNumber);
  const flights = recorder && new Flights({ recorder, shardId, startsAfter, life, report });
  const gate = breaker && new BreakerGate({ consumer, report, holds, life }, breaker);
  return { flights, starts: gate === undefined && flights === undefined ? undefined : new Starts(gate, flights) };
}
