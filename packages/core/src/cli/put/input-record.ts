/** One record to send, from a line or a pattern. */
import { keyOf, type KeyRule } from './record-key.js';

export interface InputRecord {
  readonly data: Uint8Array;
  readonly partitionKey: string;
}

export type InputLine =
  | { readonly kind: 'record'; readonly record: InputRecord }
  | { readonly kind: 'blank' }
  | { readonly kind: 'invalid'; readonly why: string };

export interface InputRules {
  readonly key: KeyRule;
  /** Lines are sent as they stand, whatever they are. */
  readonly raw: boolean;
  readonly randomKey: () => string;
}

/** A record with its key may have 10 MiB where the stream allows it; the stream itself may say less. */
export const RECORD_BYTES_MAX = 10 * 1024 * 1024;

/** The bytes are sent as they came, not as JSON.stringify would write them. */
export function readLine(line: Uint8Array, rules: InputRules): InputLine {
  const text = decode(line);
  if (text !== undefined && text.trim() === '') return { kind: 'blank' };
  if (line.length > RECORD_BYTES_MAX) return invalid(`is longer than a record can be (${RECORD_BYTES_MAX} bytes)`);
  if (rules.raw) return withKey(line, undefined, rules);
  if (text === undefined) return invalid('is not UTF-8; send it as it is with --raw');
  const parsed = parseJson(text);
  if (parsed.kind === 'invalid') return invalid(`is not JSON (${parsed.why}); send it as it is with --raw`);
  return withKey(line, parsed.value, rules);
}

function withKey(data: Uint8Array, value: unknown, { key, randomKey }: InputRules): InputLine {
  const found = keyOf(key, value, randomKey);
  if (found.kind === 'invalid') return found;
  return { kind: 'record', record: { data, partitionKey: found.key } };
}

function decode(line: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(line);
  } catch {
    // The caller says what that means for this line.
    return undefined;
  }
}

type Parsed = { readonly kind: 'value'; readonly value: unknown } | { readonly kind: 'invalid'; readonly why: string };

function parseJson(text: string): Parsed {
  try {
    return { kind: 'value', value: JSON.parse(text) as unknown };
  } catch (error) {
    return { kind: 'invalid', why: error instanceof Error ? error.message : String(error) };
  }
}

function invalid(why: string): InputLine {
  return { kind: 'invalid', why };
}
