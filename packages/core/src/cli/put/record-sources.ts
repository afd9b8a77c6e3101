/** Where the records of `millrace put` come from: a file, standard input, or a pattern. */
import { createReadStream } from 'node:fs';
import { resolve } from 'node:path';
import { MillraceError, toError } from '../../errors.js';
import { readLine, type InputRecord, type InputRules } from './input-record.js';
import { checkPattern, fillPattern, type PatternValues } from './pattern.js';
import { splitLines } from './split-lines.js';

export type RecordSource =
  | { readonly kind: 'file'; readonly file: string }
  | { readonly kind: 'stdin'; readonly stdin: AsyncIterable<Uint8Array> }
  | { readonly kind: 'pattern'; readonly pattern: string; readonly count: number };

export interface SourceContext {
  readonly rules: InputRules;
  readonly cwd: string;
  readonly valuesOf: (n: number) => PatternValues;
}

const MISTAKES_SHOWN = 10;

/**
 * Opens a source. A file is read to its end first, so that nothing is sent when a line of it is bad; standard input may
 * have no end and is judged line by line.
 *
 * @throws MillraceError INPUT_INVALID that names file and line, here or while the records are taken.
 */
export async function openRecords(source: RecordSource, context: SourceContext): Promise<AsyncIterable<InputRecord>> {
  switch (source.kind) {
    case 'file': {
      const path = resolve(context.cwd, source.file);
      await checkFile(path, source.file, context.rules);
      return recordsOf(readChunks(path, source.file), source.file, context.rules);
    }
    case 'stdin':
      return recordsOf(source.stdin, 'stdin', context.rules);
    case 'pattern':
      checkPattern(source.pattern);
      return patternRecords(source.pattern, source.count, context);
    default:
      return source satisfies never;
  }
}

async function checkFile(path: string, shown: string, rules: InputRules): Promise<void> {
  const mistakes: string[] = [];
  let found = 0;
  for await (const line of splitLines(readChunks(path, shown))) {
    const read = readLine(line.bytes, rules);
    if (read.kind !== 'invalid') continue;
    found += 1;
    if (mistakes.length < MISTAKES_SHOWN) mistakes.push(`${shown}:${line.number} ${read.why}`);
  }
  if (found === 0) return;
  const more = found > mistakes.length ? [`and ${found - mistakes.length} more`] : [];
  const headline = `${found === 1 ? 'A line' : `${found} lines`} of the file cannot be sent, so nothing was`;
  throw invalidInput(`${headline}:\n${[...mistakes, ...more].map((text) => `  - ${text}`).join('\n')}`, shown);
}

async function* recordsOf(
  chunks: AsyncIterable<Uint8Array>,
  shown: string,
  rules: InputRules,
): AsyncGenerator<InputRecord> {
  for await (const line of splitLines(chunks)) {
    const read = readLine(line.bytes, rules);
    if (read.kind === 'invalid') throw invalidInput(`${shown}:${line.number} ${read.why}.`, shown);
    if (read.kind === 'record') yield read.record;
  }
}

async function* patternRecords(pattern: string, count: number, context: SourceContext): AsyncGenerator<InputRecord> {
  for (let n = 1; n <= count; n += 1) {
    const text = fillPattern(pattern, context.valuesOf(n));
    const read = readLine(Buffer.from(text), context.rules);
    if (read.kind === 'record') yield read.record;
    else
      throw invalidInput(
        `Record ${n} of the pattern ${read.kind === 'blank' ? 'is empty' : read.why}: ${text.slice(0, 200)}`,
        'pattern',
      );
  }
}

async function* readChunks(path: string, shown: string): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of createReadStream(path)) yield chunk as Uint8Array;
  } catch (error) {
    throw new MillraceError('INPUT_INVALID', `${shown} cannot be read: ${toError(error).message}.`, { cause: error });
  }
}

function invalidInput(message: string, source: string): MillraceError {
  return new MillraceError('INPUT_INVALID', message, { details: { source } });
}
