/**
 * How the MultiLangDaemon (KCL 3.1.3) reads a worker's standard output, written from its rules and sharing no code with the encoder:
 * lines end at LF, CR or CRLF; what does not parse or holds an unknown property is skipped while the daemon goes on waiting; the JSON
 * value `null` and a status for another action end the whole daemon; text after the first value of a line is not looked at.
 */

export type Reading =
  | { kind: 'status'; responseFor: string }
  | { kind: 'checkpoint'; sequenceNumber: string | null; subSequenceNumber: number | null }
  | { kind: 'skipped'; line: string }
  | { kind: 'fatal'; why: string };

const PROPERTIES: Readonly<Record<string, readonly string[]>> = {
  status: ['action', 'responseFor'],
  checkpoint: ['action', 'sequenceNumber', 'subSequenceNumber', 'error'],
};

export class DaemonReader {
  #text = '';

  /** What the bytes written since the last call mean to a daemon that waits for an answer to `open`. */
  read(bytes: Uint8Array, open: string): Reading[] {
    this.#text += Buffer.from(bytes).toString('utf8');
    const lines = this.#text.split(/\r\n|\r|\n/);
    this.#text = lines.pop() ?? '';
    return lines.filter((line) => line !== '').map((line) => interpret(line, open));
  }

  /** Text without a line end, which the daemon would wait on for ever. */
  get unfinished(): string {
    return this.#text;
  }
}

function interpret(line: string, open: string): Reading {
  const value = firstValue(line);
  if (value === null) return { kind: 'fatal', why: 'null' };
  if (typeof value !== 'object' || Array.isArray(value)) return { kind: 'skipped', line };
  const fields = value as Record<string, unknown>;
  const known = PROPERTIES[String(fields['action'])];
  if (known === undefined || !Object.keys(fields).every((name) => known.includes(name)))
    return { kind: 'skipped', line };
  if (fields['action'] === 'checkpoint') return checkpointOf(fields);
  if (fields['responseFor'] !== open)
    return { kind: 'fatal', why: `status for ${String(fields['responseFor'])} while ${open} is open` };
  return { kind: 'status', responseFor: open };
}

function checkpointOf(fields: Record<string, unknown>): Reading {
  const sequenceNumber = (fields['sequenceNumber'] ?? null) as string | number | null;
  const subSequenceNumber = fields['subSequenceNumber'] ?? null;
  return {
    kind: 'checkpoint',
    // A JSON number is coerced; by then JavaScript has lost its digits.
    sequenceNumber: sequenceNumber === null ? null : String(sequenceNumber),
    subSequenceNumber: subSequenceNumber === null ? null : Number(subSequenceNumber),
  };
}

/** The first JSON value of a line, or undefined: the parser stops there and does not mind what follows. */
function firstValue(line: string): unknown {
  const trimmed = line.trimStart();
  if (/^null\b/.test(trimmed)) return null;
  for (let end = trimmed.length; end > 0; end -= 1) {
    try {
      return JSON.parse(trimmed.slice(0, end));
    } catch {
      // A shorter piece may be the value.
    }
  }
  return undefined;
}
