/** The daemon's standard output, turned into events of our own log. */
import type { Readable } from 'node:stream';
import type { LogFields, Logger } from '../ports.js';
import { BREAK, FIELD } from './logback.js';

export interface DaemonLog {
  /** The last warnings and errors, oldest first, for the message that tells why the daemon ended. */
  lastLines(): readonly string[];
}

/** A line is kept up to here; the rest of it is dropped as it comes. */
const LINE_BYTES = 64 * 1024;
const TEXT_LETTERS = 8 * 1024;
const KEPT_LINES = 40;
const KEPT_LETTERS = 500;
const NEWLINE = 0x0a;

/** Reads until the stream ends; a line that is not of our format (the JVM's own) is a warning. */
export function readDaemonLog(stream: Readable, logger: Logger): DaemonLog {
  const kept: string[] = [];
  const keep = (text: string): void => {
    kept.push(text.length > KEPT_LETTERS ? `${text.slice(0, KEPT_LETTERS)}...` : text);
    if (kept.length > KEPT_LINES) kept.shift();
  };
  const lines = new BoundedLines((line) => {
    const event = parseLine(line);
    if (event === undefined) return;
    log(logger, event);
    if (event.level === 'warn' || event.level === 'error') keep(summary(event));
  });
  stream.on('data', (chunk: Buffer) => lines.add(chunk));
  stream.once('end', () => lines.end());
  // A pipe that breaks ends the log and nothing else; how the daemon fares is told by its exit.
  stream.once('error', () => lines.end());
  return { lastLines: () => [...kept] };
}

type Level = 'debug' | 'info' | 'warn' | 'error';

interface DaemonEvent {
  readonly level: Level;
  readonly message: string;
  readonly logger: string | undefined;
  readonly thread: string | undefined;
  readonly stack: string | undefined;
}

/** KCL names the records that it skips, with their keys. */
const RECORDS_FOLLOW = 'Skipping over the following data records:';

/** Undefined for an empty line. */
export function parseLine(line: string): DaemonEvent | undefined {
  const [before, level = '', logger = '', thread = '', message, ...stack] = line.split(FIELD);
  const known = LEVELS.get(level);
  if (before !== '' || known === undefined || message === undefined) {
    const text = line.trim();
    if (text === '') return undefined;
    return { level: 'warn', message: cut(text), logger: undefined, thread: undefined, stack: undefined };
  }
  const trace = breaks(stack.join(FIELD)).trimEnd();
  const at = message.indexOf(RECORDS_FOLLOW);
  return {
    level: known,
    logger: logger.slice(logger.lastIndexOf('.') + 1),
    thread: thread === '' ? undefined : thread,
    message: at === -1 ? cut(breaks(message)) : `${message.slice(0, at)}${RECORDS_FOLLOW} (not shown)`,
    stack: trace === '' ? undefined : cut(trace),
  };
}

const LEVELS: ReadonlyMap<string, Level> = new Map([
  ['TRACE', 'debug'],
  ['DEBUG', 'debug'],
  ['INFO', 'info'],
  ['WARN', 'warn'],
  ['ERROR', 'error'],
]);

function log(port: Logger, { level, message, logger, thread, stack }: DaemonEvent): void {
  const fields: LogFields = {
    daemon: true,
    ...(logger === undefined ? {} : { logger }),
    ...(thread === undefined ? {} : { thread }),
    ...(stack === undefined ? {} : { stack }),
  };
  port[level](fields, message);
}

function summary({ level, logger, message, stack }: DaemonEvent): string {
  const first = stack?.split('\n')[0];
  const cause = first === undefined ? '' : ` (${first})`;
  return logger === undefined ? message : `${level.toUpperCase()} ${logger}: ${message}${cause}`;
}

const breaks = (text: string): string => text.replaceAll(BREAK, '\n');

function cut(text: string): string {
  const more = text.length - TEXT_LETTERS;
  return more > 0 ? `${text.slice(0, TEXT_LETTERS)}... (${more} more)` : text;
}

/** Lines of a byte stream; of a line without end only the beginning is held. */
class BoundedLines {
  private readonly use: (line: string) => void;
  private parts: Buffer[] = [];
  private bytes = 0;

  constructor(use: (line: string) => void) {
    this.use = use;
  }

  add(chunk: Buffer): void {
    let start = 0;
    for (let at = chunk.indexOf(NEWLINE); at !== -1; at = chunk.indexOf(NEWLINE, start)) {
      this.hold(chunk.subarray(start, at));
      this.end();
      start = at + 1;
    }
    this.hold(chunk.subarray(start));
  }

  end(): void {
    if (this.bytes === 0) return;
    const line = Buffer.concat(this.parts).toString('utf8');
    this.parts = [];
    this.bytes = 0;
    this.use(line);
  }

  private hold(part: Buffer): void {
    const room = Math.min(part.length, LINE_BYTES - this.bytes);
    if (room <= 0) return;
    // A copy: a view of one byte would keep the whole chunk alive.
    this.parts.push(Buffer.from(part.subarray(0, room)));
    this.bytes += room;
  }
}
