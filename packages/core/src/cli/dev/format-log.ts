/** A worker's log line for people. Lines that are no log entry of ours, such as console output, stay as they are. */

const LEVELS: Readonly<Record<number, string>> = {
  10: 'TRACE',
  20: 'DEBUG',
  30: 'INFO',
  40: 'WARN',
  50: 'ERROR',
  60: 'FATAL',
};
const STANDARD = new Set(['level', 'time', 'msg', 'err']);
const VALUE_CHARACTERS_MAX = 200;

export function formatLog(line: string): string {
  const entry = parseEntry(line);
  if (entry === undefined) return line;
  const { level, time, msg, err } = entry;
  const fields = Object.entries(entry).flatMap(([name, value]) =>
    STANDARD.has(name) ? [] : [`${name}=${short(value)}`],
  );
  const head = [clockOf(time), LEVELS[level] ?? String(level), msg].filter((part) => part !== '').join(' ');
  return [[head, ...fields].join(' '), ...errorLines(err, msg)].join('\n');
}

interface LogEntry {
  readonly level: number;
  readonly time: unknown;
  readonly msg: string;
  readonly err: unknown;
}

function parseEntry(line: string): LogEntry | undefined {
  if (!line.startsWith('{"level":')) return undefined;
  try {
    const entry = JSON.parse(line) as Partial<LogEntry>;
    return typeof entry.level === 'number' && typeof entry.msg === 'string' ? (entry as LogEntry) : undefined;
  } catch {
    // Somebody's own output that happens to begin like an entry.
    return undefined;
  }
}

/** The time of day; the date is known to whoever watches. */
function clockOf(time: unknown): string {
  return typeof time === 'string' ? (/T(\d{2}:\d{2}:\d{2})/.exec(time)?.[1] ?? '') : '';
}

function short(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > VALUE_CHARACTERS_MAX ? `${text.slice(0, VALUE_CHARACTERS_MAX)}…` : text;
}

function errorLines(err: unknown, msg: string): string[] {
  if (typeof err !== 'object' || err === null) return [];
  const { stack, message } = err as { readonly stack?: unknown; readonly message?: unknown };
  const text = typeof stack === 'string' ? stack : String(message);
  return text === msg ? [] : ownFrames(text.split('\n')).map((part) => `  ${part}`);
}

/** How the worker came to call a handler is the same every time; where the handler failed is what one looks for. */
function ownFrames(lines: readonly string[]): readonly string[] {
  const isFrame = (line: string): boolean => /^\s+at /.test(line);
  const isOwn = (line: string): boolean => isFrame(line) && !/[\\/]node_modules[\\/]|\(?node:/.test(line);
  return lines.some(isOwn) ? lines.filter((line) => !isFrame(line) || isOwn(line)) : lines;
}
