/** A child's notes as lines that are the same on every runtime: records and positions by their names. */

export interface Note {
  readonly from: 'daemon' | 'child';
  /** Undefined for the end of input. */
  readonly line: string | undefined;
}

export interface StoredPosition {
  readonly sequenceNumber: string;
  readonly subSequenceNumber: number;
}

interface Message {
  readonly action?: string;
  readonly records?: readonly WireRecord[];
  readonly responseFor?: string;
  readonly sequenceNumber?: string | null;
  readonly subSequenceNumber?: number | null;
  readonly error?: string | null;
}

const CHECKPOINT_FIELDS = new Set(['action', 'sequenceNumber', 'subSequenceNumber', 'error']);

interface WireRecord {
  readonly partitionKey: string;
  readonly sequenceNumber: string;
  readonly subSequenceNumber: number;
}

/** Names of the records that a shard's children have seen. */
export class Names {
  readonly #byPlace = new Map<string, string>();

  constructor(lives: readonly (readonly Note[])[]) {
    for (const { from, line } of lives.flat()) {
      if (from !== 'daemon' || line === undefined) continue;
      for (const record of parse(line)?.records ?? []) this.#byPlace.set(placeOf(record), nameOf(record));
    }
  }

  /** Of a stored checkpoint. */
  ofStored(stored: StoredPosition | undefined): string {
    if (stored === undefined || stored.sequenceNumber === 'TRIM_HORIZON') return 'nothing';
    return this.ofPosition(stored.sequenceNumber, stored.subSequenceNumber);
  }

  ofPosition(sequenceNumber: string, subSequenceNumber: number | null): string {
    const name = this.#byPlace.get(placeOf({ sequenceNumber, subSequenceNumber: subSequenceNumber ?? 0 }));
    if (name !== undefined) return subSequenceNumber === null ? `${name} without sub` : name;
    // Sentinels and nonsense stand for themselves; a real number that no record has is `unknown`.
    const text = sequenceNumber.length < 20 ? sequenceNumber : 'unknown';
    return subSequenceNumber === null || subSequenceNumber === 0 ? text : `${text}/${subSequenceNumber}`;
  }
}

/** One line each; the empty batches of a quiet shard, which come again and again, are told once. */
export function dialogueOf(notes: readonly Note[], names: Names): readonly string[] {
  return withoutRepetition(linesOf(notes, names));
}

function withoutRepetition(lines: readonly string[]): readonly string[] {
  const isQuiet = (index: number): boolean =>
    lines[index] === '> processRecords' && lines[index + 1] === '< status processRecords';
  return lines.filter((_, index) => {
    const again = (isQuiet(index) && isQuiet(index - 2)) || (isQuiet(index - 1) && isQuiet(index - 3));
    return !again;
  });
}

function linesOf(notes: readonly Note[], names: Names): readonly string[] {
  return notes.map(({ from, line }) => {
    if (line === undefined) return '> end of input';
    const message = parse(line);
    const text = message?.action === undefined ? line : textOf(message, names);
    return `${from === 'daemon' ? '>' : '<'} ${text ?? line}`;
  });
}

function textOf(message: Message, names: Names): string | undefined {
  const { action, records = [], responseFor, sequenceNumber, subSequenceNumber, error } = message;
  switch (action ?? 'none') {
    case 'initialize':
      return `initialize at ${names.ofPosition(sequenceNumber ?? '', subSequenceNumber ?? 0)}`;
    case 'processRecords':
      return ['processRecords', ...records.map(nameOf)].join(' ');
    case 'checkpoint': {
      if (!Object.keys(message).every((field) => CHECKPOINT_FIELDS.has(field))) return undefined;
      const at = typeof sequenceNumber === 'string' ? names.ofPosition(sequenceNumber, subSequenceNumber ?? null) : '';
      const asked = at === '' ? 'checkpoint' : `checkpoint ${at}`;
      return error === undefined ? asked : `${asked}: ${error ?? 'ok'}`;
    }
    case 'status':
      return Object.keys(message).length === 2 ? `status ${responseFor}` : undefined;
    case 'shutdownRequested':
    case 'leaseLost':
    case 'shardEnded':
      return action;
    default:
      return undefined;
  }
}

function nameOf({ partitionKey }: WireRecord): string {
  return partitionKey.split('~')[0] ?? '';
}

function placeOf({ sequenceNumber, subSequenceNumber }: Omit<WireRecord, 'partitionKey'>): string {
  return `${sequenceNumber}/${subSequenceNumber}`;
}

function parse(line: string): Message | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    // What a scenario has the child say besides messages.
    return undefined;
  }
}
