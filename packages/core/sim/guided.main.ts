/**
 * What a fuzzer that is guided by coverage runs (`npm run fuzz:guided`): the first byte chooses the reader, the rest is what it
 * reads. Whatever comes out has to be what the slow way says, or a refusal by code.
 */
import { deepStrictEqual } from 'node:assert';
import { createHash } from 'node:crypto';
import { parseProperties, writeProperties } from '../src/config/properties-text.js';
import { isMillraceError } from '../src/errors.js';
import { deaggregate } from '../src/local/kpl.js';
import { readWorkerLine } from '../src/local/worker-line.js';
import { LineSplitter } from '../src/protocol/line-splitter.js';
import { comparePositions, isPosition } from '../src/protocol/position.js';
import { read, readSlowly } from './plain-reading.js';

const LINE_BYTES_MAX = 1 << 12;

/** No fuzzer finds the digest of an aggregate. */
const MAGIC = Buffer.of(0xf3, 0x89, 0x9a, 0xc2);
const md5 = (bytes: Buffer): Buffer => createHash('md5').update(bytes).digest();

const readers: readonly ((bytes: Buffer) => void)[] = [
  readAlike,
  splitAlike,
  (bytes) => void deaggregate(stored(bytes)),
  (bytes) => void deaggregate(stored(Buffer.concat([MAGIC, bytes, md5(bytes)]))),
  (bytes) => void readWorkerLine(bytes.toString('latin1')),
  propertiesComeBack,
  compareAlike,
];

/** @throws where a rule does not hold. */
export function fuzz(bytes: Buffer): void {
  const reader = readers[(bytes[0] ?? 0) % readers.length];
  reader?.(bytes.subarray(1));
}

function readAlike(line: Buffer): void {
  const fast = read(line);
  // A control character in data is no JSON, and no base64 either: only the code of the refusal differs.
  if (!line.some((byte) => byte < 0x20)) deepStrictEqual(fast, readSlowly(line));
}

/** Byte by byte, and all at once. */
function splitAlike(bytes: Buffer): void {
  const pieces = [...bytes].map((byte) => Buffer.of(byte));
  deepStrictEqual(linesOf(pieces), linesOf([bytes]));
}

function linesOf(chunks: readonly Buffer[]): readonly string[] {
  const splitter = new LineSplitter(LINE_BYTES_MAX);
  const lines: string[] = [];
  try {
    for (const chunk of chunks) {
      for (const line of splitter.push(chunk)) lines.push(Buffer.from(line).toString('hex'));
      splitter.letGo();
    }
  } catch (error) {
    if (!isMillraceError(error)) throw error;
    lines.push(error.code);
  }
  return lines;
}

const stored = (data: Buffer) => ({ sequenceNumber: '1', partitionKey: 'key', data, approximateArrivalTimestamp: 0 });

function propertiesComeBack(bytes: Buffer): void {
  const { entries } = parseProperties(bytes.toString('latin1'));
  const named = entries.filter(({ name }) => name !== '').map(({ name, value }) => ({ name, value }));
  const again = parseProperties(writeProperties(named)).entries.map(({ name, value }) => ({ name, value }));
  deepStrictEqual(again, named);
}

function compareAlike(bytes: Buffer): void {
  const [a = '', b = ''] = bytes.toString('latin1').split(',');
  const [one, other] = [a, b].map((sequenceNumber) => ({ sequenceNumber, subSequenceNumber: 0 })) as [At, At];
  if (!isPosition(one) || !isPosition(other)) return;
  const [first, second] = [BigInt(a), BigInt(b)];
  deepStrictEqual(Math.sign(comparePositions(one, other)), first === second ? 0 : first < second ? -1 : 1);
}

interface At {
  readonly sequenceNumber: string;
  readonly subSequenceNumber: number;
}
