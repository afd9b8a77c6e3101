/**
 * Text of java.util.Properties: a writer that no value can break out of, and a reader that sees what Java sees.
 * Both are compared with Java's own class in the slow suite.
 */

export interface PropertyEntry {
  readonly name: string;
  readonly value: string;
}

export interface ParsedEntry extends PropertyEntry {
  /** 1 for the first line; the one where the entry begins. */
  readonly line: number;
}

export interface ParsedProperties {
  /** In the order of the file, repeated keys included: for Java the last one counts. */
  readonly entries: readonly ParsedEntry[];
  /** Java refuses the whole file because of any of these. */
  readonly malformed: readonly { readonly line: number; readonly detail: string }[];
}

/** One entry per line, in ASCII, which Latin-1 and UTF-8 readers understand alike. Every string comes back as it was. */
export function writeProperties(properties: readonly PropertyEntry[]): string {
  return properties.map(({ name, value }) => `${escapeKey(name)}=${escapeValue(value)}\n`).join('');
}

function escapeKey(key: string): string {
  return escapeText(key).replaceAll(' ', '\\ ');
}

/** Only leading blanks would be lost. */
function escapeValue(value: string): string {
  const escaped = escapeText(value);
  return escaped.startsWith(' ') ? `\\${escaped}` : escaped;
}

const NAMED_ESCAPES: ReadonlyMap<string, string> = new Map([
  ['\t', '\\t'],
  ['\n', '\\n'],
  ['\f', '\\f'],
  ['\r', '\\r'],
  ['\\', '\\\\'],
  ['=', '\\='],
  [':', '\\:'],
  ['#', '\\#'],
  ['!', '\\!'],
]);

/** By UTF-16 units, as Java counts: half of a surrogate pair is written like any other. */
export function escapeText(text: string): string {
  return text.replaceAll(/[^ "$-9;<>-[\]-~]/g, (unit) => NAMED_ESCAPES.get(unit) ?? escapeUnits(unit));
}

function escapeUnits(text: string): string {
  return Array.from(
    { length: text.length },
    (_, index) => `\\u${text.charCodeAt(index).toString(16).toUpperCase().padStart(4, '0')}`,
  ).join('');
}

/** Reads a file as `Properties.load(InputStream)` does; decode the bytes as Latin-1 first, as Java does. */
export function parseProperties(text: string): ParsedProperties {
  const entries: ParsedEntry[] = [];
  const malformed: { line: number; detail: string }[] = [];
  for (const { content, line } of logicalLines(text)) {
    const { key, rest } = splitEntry(content);
    const name = unescape(key);
    const value = unescape(rest);
    if (name === undefined || value === undefined)
      malformed.push({ line, detail: 'a \\u that is not followed by four hexadecimal digits' });
    else entries.push({ name, value, line });
  }
  return { entries, malformed };
}

interface LogicalLine {
  readonly content: string;
  readonly line: number;
}

/**
 * Lines with their continuations joined, without comments and blank lines. A comment is known by the first character of the
 * logical line, so a backslash alone on a line lets the next one still be a comment: Java does the same.
 */
function logicalLines(text: string): readonly LogicalLine[] {
  const lines: LogicalLine[] = [];
  const natural = text.split(/\r\n|\r|\n/);
  // Defined while a logical line is open: after a backslash at the end of a line.
  let begun: number | undefined;
  let content = '';
  for (const [index, raw] of natural.entries()) {
    const last = index === natural.length - 1;
    const part = raw.replace(/^[ \t\f]+/, '');
    if (content === '' && (part === '' || part.startsWith('#') || part.startsWith('!'))) {
      // Java takes a lone backslash before the final line break for an empty entry, unless that break is CR LF.
      if (begun !== undefined && last && raw === '' && !text.endsWith('\r\n')) lines.push({ content, line: begun });
      begun = undefined;
      continue;
    }
    begun ??= index + 1;
    const open = endsInOpenBackslash(part);
    content += open ? part.slice(0, -1) : part;
    if (open && !last) continue;
    lines.push({ content, line: begun });
    begun = undefined;
    content = '';
  }
  return lines;
}

function endsInOpenBackslash(part: string): boolean {
  const trailing = /\\*$/.exec(part)?.[0].length ?? 0;
  return trailing % 2 === 1;
}

/** The key ends at the first separator or blank that is not escaped; blanks around one separator belong to neither side. */
function splitEntry(content: string): { readonly key: string; readonly rest: string } {
  let end = 0;
  while (end < content.length && !' \t\f=:'.includes(content.charAt(end))) end += content.charAt(end) === '\\' ? 2 : 1;
  const key = content.slice(0, end);
  const rest = content.slice(end).replace(/^[ \t\f]*[=:]?[ \t\f]*/, '');
  return { key, rest };
}

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['t', '\t'],
  ['n', '\n'],
  ['f', '\f'],
  ['r', '\r'],
]);

/** Undefined when a \u has no four hexadecimal digits; a backslash before any other character just goes. */
function unescape(text: string): string | undefined {
  if (!text.includes('\\')) return text;
  let result = '';
  for (let index = 0; index < text.length; index += 1) {
    const character = text.charAt(index);
    if (character !== '\\') {
      result += character;
      continue;
    }
    index += 1;
    const escaped = text.charAt(index);
    if (escaped !== 'u') {
      result += ESCAPES.get(escaped) ?? escaped;
      continue;
    }
    const digits = text.slice(index + 1, index + 5);
    if (!/^[0-9A-Fa-f]{4}$/.test(digits)) return undefined;
    result += String.fromCharCode(Number.parseInt(digits, 16));
    index += 4;
  }
  return result;
}
