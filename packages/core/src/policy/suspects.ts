/**
 * Which records may be the death of the process, from what the sessions of a shard have left when they died.
 *
 * A session writes how far records were delivered to it. When it dies, the next one is careful up to there: it also writes
 * which record's code it is about to run. So the first death costs nothing beforehand, and each further one has a name.
 * After DEATHS of them in a row a record runs alone. If the process dies with it again, it was this record, and it does not
 * run any more.
 */
import { comparePositions } from '../protocol/position.js';
import type { Position } from '../protocol/messages.js';

/** Records from one position to another, both included: one record, or the items of a batch. */
export interface Span {
  readonly from: Position;
  readonly to: Position;
}

export interface Suspect extends Span {
  /** How many processes in a row died while it was in flight. */
  readonly deaths: number;
  /** At the last death nothing else was in flight in that process. */
  readonly alone: boolean;
}

/** What one session has left. */
export interface Life {
  /** It ended in order; what it took over from lives before is all it has to say. */
  readonly ended: boolean;
  /** How far records were delivered to it. */
  readonly delivered: Position | undefined;
  /** What it took over. */
  readonly suspects: readonly Suspect[];
  /** What was in flight, with whether it was alone. */
  readonly flying: readonly (Span & { readonly alone: boolean })[];
}

export interface Past {
  readonly suspects: readonly Suspect[];
  /** Up to here a session is careful; undefined: no life before has died. */
  readonly carefulUpTo: Position | undefined;
}

export type Verdict =
  | 'clear'
  /** It runs alone. */
  | 'suspect'
  /** It does not run. */
  | 'guilty';

const DEATHS = 3;

export function pastOf(lives: readonly Life[]): Past {
  const suspects = merged(lives.flatMap(suspectsAfter));
  const ends = [
    ...suspects.map(({ to }) => to),
    ...lives.flatMap(({ ended, delivered }) => (ended || delivered === undefined ? [] : [delivered])),
  ];
  return { suspects, carefulUpTo: ends.length === 0 ? undefined : ends.reduce(later) };
}

export function verdictOn(position: Position, suspects: readonly Suspect[]): Verdict {
  const found = suspects.filter((span) => covers(span, position));
  if (found.some(isGuilty)) return 'guilty';
  return found.some(({ deaths }) => deaths >= DEATHS) ? 'suspect' : 'clear';
}

function suspectsAfter({ ended, suspects, flying }: Life): readonly Suspect[] {
  if (ended) return suspects;
  const blamed = flying.map((span): Suspect => {
    const known = suspects.filter((suspect) => covers(suspect, span.from) || covers(span, suspect.from));
    // A careful session follows a death: that one had no name yet, and counts.
    const before = Math.max(1, ...known.map(({ deaths }) => deaths));
    return { ...span, deaths: before + 1 };
  });
  // Who was not in flight this time has broken its row; whose guilt is proven still waits for its end.
  return [...suspects.filter(isGuilty), ...blamed];
}

/** Only what was a suspect before runs alone, so having been alone is the proof. */
function isGuilty({ alone, deaths }: Suspect): boolean {
  return alone && deaths > DEATHS;
}

/** A process that died between writing a file anew and removing the old one has left the same twice. */
function merged(suspects: readonly Suspect[]): readonly Suspect[] {
  const bySpan = new Map<string, Suspect>();
  for (const suspect of suspects) {
    const key = [suspect.from, suspect.to].map((at) => `${at.sequenceNumber}/${at.subSequenceNumber}`).join();
    const other = bySpan.get(key);
    const deaths = Math.max(suspect.deaths, other?.deaths ?? 0);
    bySpan.set(key, { ...suspect, deaths, alone: suspect.alone || other?.alone === true });
  }
  return [...bySpan.values()];
}

function covers({ from, to }: Span, position: Position): boolean {
  return comparePositions(from, position) <= 0 && comparePositions(position, to) <= 0;
}

function later(a: Position, b: Position): Position {
  return comparePositions(a, b) >= 0 ? a : b;
}
