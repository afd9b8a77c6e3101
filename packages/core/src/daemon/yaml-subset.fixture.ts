/** Reads the YAML that our templates are written in: block mappings and sequences with scalars on their line. */

type Yaml = string | number | boolean | { [key: string]: Yaml } | Yaml[];

interface Line {
  readonly indent: number;
  readonly text: string;
}

/** @throws Error for a line that does not belong where it stands. */
export function parseYaml(text: string): Yaml {
  const lines = text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => ({ indent: line.length - line.trimStart().length, text: line.trimStart() }));
  const value = block(lines, lines[0]?.indent ?? 0);
  if (lines.length > 0) throw new Error(`Unexpected: ${lines[0]?.text}`);
  return value;
}

function block(lines: Line[], indent: number): Yaml {
  return lines[0]?.text.startsWith('- ') === true ? sequence(lines, indent) : mapping(lines, indent);
}

function sequence(lines: Line[], indent: number): Yaml[] {
  const items: Yaml[] = [];
  while (lines[0]?.indent === indent && lines[0].text.startsWith('- ')) {
    // The first key of an item stands behind its dash.
    lines[0] = { indent: indent + 2, text: lines[0].text.slice(2) };
    items.push(mapping(lines, indent + 2));
  }
  return items;
}

function mapping(lines: Line[], indent: number): { [key: string]: Yaml } {
  const entries: { [key: string]: Yaml } = {};
  for (let line = lines[0]; line?.indent === indent && !line.text.startsWith('- '); line = lines[0]) {
    const [, key, scalar] = /^([A-Za-z0-9]+):(?: (.+))?$/.exec(line.text) ?? [];
    if (key === undefined || key in entries) throw new Error(`Not a new key: ${line.text}`);
    lines.shift();
    entries[key] = scalar === undefined ? nested(lines, indent) : readScalar(scalar);
  }
  return entries;
}

function nested(lines: Line[], indent: number): Yaml {
  const next = lines[0];
  if (next === undefined || next.indent <= indent) throw new Error('A key without a value');
  return block(lines, next.indent);
}

function readScalar(text: string): Yaml {
  if (text.startsWith('"')) return JSON.parse(text) as string;
  if (text.startsWith("'")) return text.slice(1, -1);
  if (text === 'true' || text === 'false') return text === 'true';
  if (/^\d+$/.test(text)) return Number(text);
  // A plain scalar must not hold what begins something else.
  if (/: | #|^[[\]{}&*!|>%@`]/.test(text)) throw new Error(`Not a plain scalar: ${text}`);
  return text;
}
