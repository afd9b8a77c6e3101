/**
 * What the daemon makes of a line of the worker (KCL's GetNextMessageTask with Jackson): it executes what it should not
 * and overlooks what it should not, and a stand-in that is stricter or kinder would hide bugs. Pure.
 */

export type WorkerLine =
  | { readonly kind: 'status'; readonly responseFor: string | undefined }
  | {
      readonly kind: 'checkpoint';
      readonly sequenceNumber: string | undefined;
      readonly subSequenceNumber: number | undefined;
    }
  /** Skipped: the daemon reads on, and waits for ever if this was meant to be the status. */
  | { readonly kind: 'skipped'; readonly why: string }
  /** The word `null` becomes a null pointer inside the daemon and ends its process with every shard. */
  | { readonly kind: 'null' };

const KNOWN_FIELDS: Readonly<Record<string, ReadonlySet<string>>> = {
  status: new Set(['action', 'responseFor']),
  // Requests and answers are one class in the daemon, and `error` is a field of the answer.
  checkpoint: new Set(['action', 'sequenceNumber', 'subSequenceNumber', 'error']),
};

export function readWorkerLine(line: string): WorkerLine {
  if (/^\s*null(?![\w"])/.test(line)) return { kind: 'null' };
  const fields = leadingObject(line);
  if (fields === undefined) return skipped('it is no JSON object');
  const action = fields['action'];
  const known = typeof action === 'string' && Object.hasOwn(KNOWN_FIELDS, action) ? KNOWN_FIELDS[action] : undefined;
  if (known === undefined) return skipped(`its action is neither "status" nor "checkpoint"`);
  const extra = Object.keys(fields).find((name) => !known.has(name));
  if (extra !== undefined) return skipped(`"${extra}" is no field of a ${String(action)}`);
  return action === 'status' ? readStatus(fields) : readCheckpoint(fields);
}

function readStatus(fields: Fields): WorkerLine {
  const responseFor = scalarText(fields['responseFor']);
  if (responseFor === INVALID) return skipped('its "responseFor" is not text');
  return { kind: 'status', responseFor };
}

function readCheckpoint(fields: Fields): WorkerLine {
  const sequenceNumber = scalarText(fields['sequenceNumber']);
  const subText = scalarText(fields['subSequenceNumber']);
  if (scalarText(fields['error']) === INVALID) return skipped('its "error" is not text');
  if (sequenceNumber === INVALID) return skipped('its "sequenceNumber" is not text');
  if (subText === INVALID || (subText !== undefined && !/^-?\d+(\.\d+)?$/.test(subText)))
    return skipped('its "subSequenceNumber" is not a number');
  return {
    kind: 'checkpoint',
    sequenceNumber,
    subSequenceNumber: subText === undefined ? undefined : Math.trunc(Number(subText)),
  };
}

type Fields = Readonly<Record<string, unknown>>;

/** Jackson reads one value and ignores the rest of the line. */
function leadingObject(line: string): Fields | undefined {
  const end = endOfObject(line);
  if (end === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(line.slice(0, end));
    // It begins with a brace, so it is an object of unknown fields.
    return value as Fields;
  } catch {
    // Not JSON after all; the caller says so.
    return undefined;
  }
}

function endOfObject(line: string): number | undefined {
  if (!/^\s*\{/.test(line)) return undefined;
  let depth = 0;
  // Strings as a whole, so that braces inside them do not count.
  for (const match of line.matchAll(/"(?:[^"\\]|\\.)*"|[{}]/g)) {
    if (match[0] === '{') depth += 1;
    if (match[0] === '}') depth -= 1;
    if (match[0] === '}' && depth === 0) return match.index + 1;
  }
  return undefined;
}

const INVALID = Symbol('neither text nor a scalar that Jackson takes for text');

/** Jackson turns numbers and booleans into text by itself (JavaScript has lost digits by then). */
function scalarText(value: unknown): string | undefined | typeof INVALID {
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : INVALID;
}

function skipped(why: string): WorkerLine {
  return { kind: 'skipped', why };
}
