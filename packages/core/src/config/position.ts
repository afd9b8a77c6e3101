/** Where shards without a lease start: two properties of the daemon, of which exactly one may stand in its file. */
import type { EffectiveProperties } from './effective.js';
import type { Findings } from './issues.js';
import type { InitialPosition } from './resolved.js';

const POSITION = 'initialPositionInStream';
const EXTENDED = 'initialPositionInStreamExtended';

/** Leaves one of the two in the map: the daemon takes either at random when it finds both. */
export function resolvePosition(effective: EffectiveProperties, findings: Findings): InitialPosition {
  const position = effective.get(POSITION);
  const extended = effective.get(EXTENDED);
  const timestamp = position !== undefined && /^\d+$/.test(position.text) ? position : undefined;
  if (position !== undefined && extended !== undefined && position.text !== 'AT_TIMESTAMP') {
    if (position.rank === extended.rank && position.text !== extended.text) {
      findings.issue(
        'ILLEGAL_COMBINATION',
        EXTENDED,
        `${POSITION} = ${position.text} (${position.source}) and ${EXTENDED} = ${extended.text} (${extended.source}) exclude each other; the daemon would take either at random. Keep one.`,
      );
    }
    effective.delete(position.rank <= extended.rank ? EXTENDED : POSITION);
  }
  if (timestamp !== undefined && effective.has(POSITION)) {
    effective.delete(POSITION);
    effective.set(EXTENDED, timestamp);
  }
  if (effective.get(POSITION)?.text === 'AT_TIMESTAMP') dropWord(effective, findings);
  return readPosition(effective, findings);
}

/** The word alone says nothing; with a moment beside it, the moment says it all. */
function dropWord(effective: EffectiveProperties, findings: Findings): void {
  const word = effective.get(POSITION);
  effective.delete(POSITION);
  if (word === undefined || effective.has(EXTENDED)) return;
  findings.issue(
    'ILLEGAL_COMBINATION',
    POSITION,
    `${POSITION} = AT_TIMESTAMP (${word.source}) does not say when. Write the moment itself: a Date, or an ISO-8601 time with its zone (2026-01-31T08:00:00Z).`,
  );
}

function readPosition(effective: EffectiveProperties, findings: Findings): InitialPosition {
  const extended = effective.get(EXTENDED);
  if (extended !== undefined) return { kind: 'AT_TIMESTAMP', timestampMs: Number(extended.text) * 1000 };
  const word = effective.get(POSITION);
  if (word?.text !== 'LATEST') return { kind: 'TRIM_HORIZON' };
  findings.notice(
    'STARTS_AT_LATEST',
    `${POSITION} = LATEST (${word.source}): until a shard has its first checkpoint every restart begins at the newest record again, and what came before is missed. Write TRIM_HORIZON to miss nothing.`,
  );
  return { kind: 'LATEST' };
}
