// Compiles the TypeScript in the documentation against the built packages.
//
//   node scripts/check-snippets.mjs README.md docs
//
// Every ```ts block is a module of its own, unless its info string says more:
//   ```ts no-check              not compiled
//   ```ts continue              goes on where the previous block of the document ended
//   ```ts file=examples/a.ts    must stand in that file word for word; the file's own project compiles it
// A block whose first line is `// order-mailer.ts` has that name: other blocks of the document can import it.
// A line `<<< path` includes a file; it must exist.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const tsc = join(dirname(createRequire(import.meta.url).resolve('@typescript/native/package.json')), 'bin', 'tsc');
const work = join(root, '.snippets', String(process.pid));

const documents = process.argv.slice(2).flatMap((path) => markdownFiles(resolve(path)));
const read = documents.map((file) => readDocument(relative(root, file), readFileSync(file, 'utf8')));
const snippets = read.flatMap((document) => document.snippets);
const problems = [...read.flatMap((document) => document.problems), ...compile(snippets)];

for (const problem of problems) console.error(problem);
console.log(`${snippets.length} snippets in ${documents.length} documents, ${problems.length} problems`);
process.exitCode = problems.length === 0 && documents.length > 0 ? 0 : 1;

function markdownFiles(path) {
  if (statSync(path).isFile()) return [path];
  return readdirSync(path, { recursive: true })
    .filter((name) => name.endsWith('.md') && !name.includes('node_modules'))
    .toSorted()
    .map((name) => join(path, name));
}

/** A snippet is a file to compile; `origin[n]` is the document line that its line n came from. */
function readDocument(document, text) {
  const snippets = [];
  const problems = [];
  const lines = text.split('\n');
  for (let at = 0; at < lines.length; at += 1) {
    const include = /^<<< (\S+)/.exec(lines[at])?.[1];
    if (include !== undefined && !existsSync(join(root, dirname(document), include.replace(/[#{].*/, '')))) {
      problems.push(`${document}:${at + 1}:1 - ${include} does not exist`);
    }
    const fence = /^( *)(`{3,})(\w*)(.*)$/.exec(lines[at]);
    if (fence === null) continue;
    const [, indent, ticks, language, info] = fence;
    const end = lines.findIndex((line, index) => index > at && line.trim() === ticks);
    if (end === -1) {
      problems.push(`${document}:${at + 1}:1 - the block is not closed`);
      break;
    }
    if (language === 'ts' || language === 'typescript') {
      const block = { document, start: at + 1, indent: indent.length, lines: lines.slice(at + 1, end) };
      problems.push(...addBlock(snippets, block, info.split(/\s+/)));
    }
    at = end;
  }
  return { snippets, problems };
}

function addBlock(snippets, block, flags) {
  const where = `${block.document}:${block.start}:1`;
  const body = block.lines.map((line) => line.slice(block.indent));
  const file = flags.find((flag) => flag.startsWith('file='))?.slice('file='.length);
  if (flags.includes('no-check')) return [];
  if (file !== undefined) return quotes(file, body) ? [] : [`${where} - this text does not stand in ${file}`];

  const origin = body.map((_, index) => ({ line: block.start + index + 1, indent: block.indent }));
  if (flags.includes('continue')) {
    const previous = snippets.at(-1);
    if (previous === undefined) return [`${where} - there is no block to continue`];
    previous.lines.push(...body);
    previous.origin.push(...origin);
    return [];
  }
  const named = /^\/\/ ([\w./-]+\.ts)\b/.exec(body[0] ?? '')?.[1];
  const taken = snippets.some(({ name }) => name === named);
  const name = named === undefined || taken ? `line-${block.start}.ts` : named;
  snippets.push({ document: block.document, name, lines: body, origin });
  return [];
}

function quotes(file, body) {
  const unindented = (lines) => lines.map((line) => line.trim()).join('\n');
  return (
    existsSync(join(root, file)) &&
    unindented(readFileSync(join(root, file), 'utf8').split('\n')).includes(unindented(body))
  );
}

function compile(snippets) {
  if (snippets.length === 0) return [];
  const files = new Map(snippets.map((snippet) => [fileOf(snippet), snippet]));
  try {
    for (const [file, { lines }] of files) {
      mkdirSync(dirname(join(work, file)), { recursive: true });
      writeFileSync(join(work, file), `${lines.join('\n')}\n`);
    }
    const compilerOptions = {
      noEmit: true,
      composite: false,
      declaration: false,
      declarationMap: false,
      rootDir: '../..',
    };
    const config = { extends: '../../tsconfig.base.json', compilerOptions, include: ['**/*.ts'] };
    writeFileSync(join(work, 'tsconfig.json'), JSON.stringify(config));
    const { stdout, error } = spawnSync(process.execPath, [tsc, '-p', '.', '--pretty', 'false'], {
      cwd: work,
      encoding: 'utf8',
    });
    if (error !== undefined) throw error;
    return stdout.trimEnd() === ''
      ? []
      : stdout
          .trimEnd()
          .split('\n')
          .map((line) => inDocument(line, files));
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function fileOf({ document, name }) {
  return `${document.replace(/\.md$/, '').replaceAll(/[^\w-]+/g, '-')}/${name}`;
}

function inDocument(message, files) {
  const [, file, line, column, rest] = /^(\S+)\((\d+),(\d+)\): (.*)$/.exec(message) ?? [];
  const snippet = files.get(file);
  if (snippet === undefined) return message;
  const origin = snippet.origin[Number(line) - 1] ?? snippet.origin.at(-1);
  return `${snippet.document}:${origin.line}:${Number(column) + origin.indent} - ${rest}`;
}
