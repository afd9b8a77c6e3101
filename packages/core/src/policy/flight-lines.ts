/** How a session writes down what is in flight: lines of one length, so that each can be written again in its place. */
import { isPosition } from '../protocol/position.js';
import type { Position } from '../protocol/messages.js';
import type { Life, Span, Suspect } from './suspects.js';

export type FlightEntry =
  | { readonly kind: 'delivered'; readonly upTo: Position }
  | (Suspect & { readonly kind: 'suspect' })
  | (Span & { readonly kind: 'flying'; readonly alone: boolean })
  /** Nothing stands in this line any more. */
  | { readonly kind: 'landed' }
  | { readonly kind: 'ended' };

/** Two positions of 56 digits each, and room to spare. */
const LINE_BYTES = 256;
const NEWLINE = 0x0a;
const SPACE = 0x20;

/** Where line n begins. */
export function flightLineOffset(line: number): number {
  return line * LINE_BYTES;
}

export function formatFlightLine(entry: FlightEntry): Uint8Array {
  const bytes = Buffer.alloc(LINE_BYTES, SPACE);
  bytes.write(wordsOf(entry).join(' '), 0, LINE_BYTES - 1, 'latin1');
  bytes[LINE_BYTES - 1] = NEWLINE;
  return bytes;
}

/** Undefined when this is not what such a file holds. */
export function parseFlightFile(text: string): Life | undefined {
  const entries = text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => entryOf(line.trim().split(' ')));
  const known = entries.filter((entry) => entry !== undefined);
  if (known.length < entries.length || text.length % LINE_BYTES !== 0) return undefined;
  const delivered = known.find(({ kind }) => kind === 'delivered');
  return {
    ended: known.some(({ kind }) => kind === 'ended'),
    delivered: delivered?.kind === 'delivered' ? delivered.upTo : undefined,
    suspects: known.filter((entry) => entry.kind === 'suspect'),
    flying: known.filter((entry) => entry.kind === 'flying'),
  };
}

function wordsOf(entry: FlightEntry): readonly (string | number)[] {
  switch (entry.kind) {
    case 'delivered':
      return [entry.kind, ...wordsOfPosition(entry.upTo)];
    case 'suspect':
      return [entry.kind, ...wordsOfSpan(entry), entry.alone ? 'alone' : 'beside', entry.deaths];
    case 'flying':
      return [entry.kind, ...wordsOfSpan(entry), entry.alone ? 'alone' : 'beside'];
    case 'landed':
    case 'ended':
      return [entry.kind];
    default:
      return entry satisfies never;
  }
}

function wordsOfSpan({ from, to }: Span): readonly (string | number)[] {
  return [...wordsOfPosition(from), ...wordsOfPosition(to)];
}

function wordsOfPosition({ sequenceNumber, subSequenceNumber }: Position): readonly (string | number)[] {
  return [sequenceNumber, subSequenceNumber];
}

function entryOf([kind, ...words]: readonly string[]): FlightEntry | undefined {
  if (kind === 'landed' || kind === 'ended') return words.length === 0 ? { kind } : undefined;
  const from = positionOf(words.slice(0, 2));
  if (from === undefined) return undefined;
  if (kind === 'delivered') return words.length === 2 ? { kind, upTo: from } : undefined;
  const to = positionOf(words.slice(2, 4));
  const [, , , , how, deaths] = words;
  if (to === undefined || (how !== 'alone' && how !== 'beside')) return undefined;
  const alone = how === 'alone';
  if (kind === 'flying') return words.length === 5 ? { kind, from, to, alone } : undefined;
  if (kind !== 'suspect' || words.length !== 6 || !/^\d{1,9}$/.test(deaths ?? '')) return undefined;
  return { kind, from, to, alone, deaths: Number(deaths) };
}

function positionOf([sequenceNumber = '', sub = '']: readonly string[]): Position | undefined {
  const position = { sequenceNumber, subSequenceNumber: /^\d+$/.test(sub) ? Number(sub) : Number.NaN };
  return isPosition(position) ? position : undefined;
}
