/** Parked records as lines for people and as JSON for programs. Pure. */
import { isUtf8 } from 'node:buffer';
import { formatEntry } from '../../dead-letter/entry-text.js';
import type { DeadLetterCause } from '../../ports.js';
import type { ParkedItem } from '../../replay/parked-source.js';

/** Two lines, without the payload. */
export function entryLines({ entry }: ParkedItem): string {
  const { id, parkedAt, handler, attempts, partitionKey, causes } = entry;
  const facts = [
    new Date(parkedAt).toISOString(),
    id,
    handler ?? 'no handler',
    `${attempts} ${attempts === 1 ? 'attempt' : 'attempts'}`,
    `key ${JSON.stringify(partitionKey)}`,
  ];
  return `${plain(facts.join('  '))}\n  ${plain(causes.map(causeText).join(' <- ')) || 'no cause'}\n`;
}

/** One object, without the payload. */
export function entrySummary({ entry, place }: ParkedItem) {
  const { data, causes, ...facts } = entry;
  return {
    ...facts,
    causes: causes.map(({ name, code, message }) => ({ name, code, message })),
    dataBytes: data.length,
    place,
  };
}

export function entryJson({ entry, place }: ParkedItem): string {
  return `${JSON.stringify({ ...(JSON.parse(formatEntry(entry)) as object), place })}\n`;
}

/** All of it, with stacks and the payload. */
export function entryDetails({ entry, place }: ParkedItem): string {
  const { data, causes, parkedAt, approximateArrivalTimestamp: arrivedAt, ...facts } = entry;
  const rows = [
    ...Object.entries(facts).map(([name, value]) => [name, name === 'partitionKey' ? JSON.stringify(value) : value]),
    ['arrivedAt', arrivedAt === undefined ? 'not known' : new Date(arrivedAt).toISOString()],
    ['parkedAt', new Date(parkedAt).toISOString()],
    ['place', place],
  ].map(([name, value]) => plain(`${String(name).padEnd(18)} ${String(value ?? 'none')}`));
  const chain = causes.map((cause) => indented(plainLines(cause.stack ?? causeText(cause))));
  return [...rows, 'causes', ...chain, ...payloadLines(data), ''].join('\n');
}

function payloadLines(data: Uint8Array): string[] {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  const text = isUtf8(bytes) ? bytes.toString('utf8') : undefined;
  // Control characters would tell the terminal what to do.
  const shown = text !== undefined && !CONTROL.test(text) ? text : bytes.toString('base64');
  return [`payload (${bytes.length} bytes, ${shown === text ? 'text' : 'base64'})`, shown];
}

function causeText({ name, code, message }: DeadLetterCause): string {
  return `${name}${code === undefined ? '' : ` ${code}`}: ${message}`;
}

const CONTROL = /[\u0000-\u0008\u000B-\u001F\u007F-\u009F]/;
const ALL_CONTROL = /[\u0000-\u001F\u007F-\u009F]+/g;
const CONTROL_IN_LINES = /[\u0000-\u0008\u000B-\u001F\u007F-\u009F]+/g;

/** One line that cannot move the cursor. */
export function plain(text: string): string {
  return text.replaceAll(ALL_CONTROL, ' ');
}

function plainLines(text: string): string {
  return text.replaceAll(CONTROL_IN_LINES, ' ');
}

function indented(text: string): string {
  return text
    .split('\n')
    .map((line) => `  ${line}`)
    .join('\n');
}
