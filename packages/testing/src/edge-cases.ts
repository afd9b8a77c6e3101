/** Records that are legal in Kinesis and that consumers forget. */

/** Has the shape of a SingleRecord as well. */
export interface EdgeCase {
  readonly kind: 'single';
  /** What is special, in words: made for `test.each`. */
  readonly name: string;
  readonly partitionKey: string;
  readonly data: Uint8Array;
}

const MEBIBYTE = 1_048_576;
const KEY = 'key';

export function edgeCases(): readonly EdgeCase[] {
  return [
    edgeCase('no bytes at all', ''),
    edgeCase('a key of 256 characters', '{}', 'k'.repeat(256)),
    edgeCase('a key outside the basic plane', '{}', '\u{1F9C2}\u{1D11E}'),
    edgeCase('a key with a line separator', '{}', 'before\u2028after'),
    edgeCase('a key like a property of every object', '{}', '__proto__'),
    edgeCase('JSON with a __proto__ of its own', '{"__proto__":{"admin":true},"constructor":{"prototype":{}}}'),
    edgeCase('a sequence number in quotes', '"49680472822785406503947250856611970033281563257059934210"'),
    edgeCase('a number that a double cannot hold', '{"id":9007199254740993}'),
    edgeCase('strings that look like numbers', '{"id":"0012","amount":"1e5","code":"NaN"}'),
    edgeCase('the word null', 'null'),
    edgeCase('JSON after a byte order mark', '\uFEFF{}'),
    edgeCase('text that is cut off', '{"id":"o-1"'),
    edgeCase('bytes that are no UTF-8', Uint8Array.of(0xff, 0xfe, 0x7b, 0xc3, 0x28, 0x7d)),
    edgeCase('the first bytes of a KPL aggregate and no more', Uint8Array.of(0xf3, 0x89, 0x9a, 0xc2)),
    edgeCase('a mebibyte', JSON.stringify('m'.repeat(MEBIBYTE - 2))),
  ];
}

function edgeCase(name: string, data: string | Uint8Array, partitionKey = KEY): EdgeCase {
  return { kind: 'single', name, partitionKey, data: typeof data === 'string' ? new TextEncoder().encode(data) : data };
}
