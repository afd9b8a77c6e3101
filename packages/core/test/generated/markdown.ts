/** Tables as the formatter would align them, and pages of which one part is generated. */

export function renderTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) =>
    Math.max(3, title.length, ...rows.map((row) => (row[column] ?? '').length)),
  );
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  return [line(head), `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`, ...rows.map(line)].join('\n');
}

export function escapeCell(text: string): string {
  return text.replaceAll('|', String.raw`\|`);
}

export function renderCodes(title: string, codes: Readonly<Record<string, string>>): string {
  const rows = Object.entries(codes).map(([code, meaning]) => [`\`${code}\``, escapeCell(meaning)]);
  return `${title}\n\n${renderTable(['Code', 'Meaning'], rows)}`;
}

export interface GeneratedPart {
  /** Named in the error when a marker is gone. */
  readonly file: string;
  readonly begin: string;
  readonly end: string;
}

/** The page with the part between its markers made anew. */
export function replacePart(page: string, part: GeneratedPart, text: string): string {
  const [before, rest] = splitOnce(page, part.begin, part.file);
  const [, after] = splitOnce(rest, part.end, part.file);
  return `${before}${part.begin}\n\n${text}\n\n${part.end}${after}`;
}

function splitOnce(text: string, marker: string, file: string): readonly [string, string] {
  const at = text.indexOf(marker);
  if (at < 0) throw new Error(`${file} has lost its marker: ${marker}`);
  return [text.slice(0, at), text.slice(at + marker.length)];
}
