import { describe, expect, it } from 'vitest';
import { impurities, misplaced, tooLong } from './house-rules.ts';
import { parseModules, type Module } from './import-graph.ts';

const parse = (text: string, path = 'policy/file.ts'): Module => {
  const module = parseModules({ [path]: text }).get(path);
  if (module === undefined) throw new Error(`${path} was not parsed`);
  return module;
};

describe('impurities', () => {
  it.each([
    ['new Date()', 'Date'],
    ['const now = Date.now();', 'Date'],
    ['let at: Date;', 'Date'],
    ['Math.random()', 'Math.random'],
    ['setTimeout(() => {}, 1)', 'setTimeout'],
    ['const later = setInterval;', 'setInterval'],
    ['globalThis.setImmediate(() => {})', 'globalThis.setImmediate'],
    ['process.env.HOME', 'process'],
    ['const { env } = process;', 'process'],
    ['performance.now()', 'performance'],
    ["import { readFileSync } from 'node:fs';", 'node:fs'],
    ["import { readFile } from 'node:fs/promises';", 'node:fs/promises'],
    ["import type { Readable } from 'node:stream';", 'node:stream'],
    ["await import('child_process');", 'child_process'],
    ["import net from 'node:net';", 'node:net'],
    ["import http from 'node:http';", 'node:http'],
  ])('are found in %s', (text, name) => {
    expect(impurities(parse(text))).toEqual([
      expect.stringMatching(new RegExp(`^policy/file.ts:1 (mentions|imports) ${name}$`)),
    ]);
  });

  it.each([
    ['a comment', '// Date.now() and process.env'],
    ['a text', "const text = 'Date setTimeout process.env Math.random';"],
    ['a member', 'state.process(); const x = { Date: 1 }; interface Y { process: string }'],
    ['an own name', 'const process = (record: string) => record; process("a");'],
    ['pure mathematics', 'Math.max(1, 2)'],
    ['a pure built-in', "import { Buffer } from 'node:buffer';"],
  ])('are not seen in %s', (_, text) => {
    expect(impurities(parse(text))).toEqual([]);
  });
});

describe('length', () => {
  const lines = (count: number) => 'x();\n'.repeat(count);

  it('allows a file of 400 lines and a function of 70', () => {
    expect(tooLong(parse(lines(400)))).toEqual([]);
    expect(tooLong(parse(`function f() {\n${lines(68)}}`))).toEqual([]);
  });

  it('refuses a longer file', () => {
    expect(tooLong(parse(lines(401)))).toEqual(['policy/file.ts has 401 lines, 400 are allowed']);
  });

  it.each([
    ['a function', `function f() {\n${lines(69)}}`],
    ['an arrow function', `const f = () => {\n${lines(69)}};`],
    ['a method', `class A { f() {\n${lines(69)}} }`],
    ['a constructor', `class A { constructor() {\n${lines(69)}} }`],
  ])('refuses %s that is longer', (_, text) => {
    expect(tooLong(parse(text))).toEqual(['policy/file.ts:1 is a function of 71 lines, 70 are allowed']);
  });
});

describe('placement', () => {
  it.each([
    ['a default export', 'export default 1;', 'policy/file.ts'],
    ['a default function', 'export default function f() {}', 'policy/file.ts'],
    ['a renamed default', 'const a = 1; export { a as default };', 'policy/file.ts'],
    ['a barrel inside a layer', 'export const a = 1;', 'policy/index.ts'],
    ['a re-export inside a layer', "export { a } from './other.js';", 'policy/file.ts'],
    ['a catch-all folder', '', 'policy/utils/text.ts'],
    ['a catch-all file', '', 'policy/common.ts'],
  ])('refuses %s', (_, text, path) => {
    expect(misplaced(parse(text, path))).toHaveLength(1);
  });

  it('allows re-exports in the public barrels and of other packages', () => {
    expect(misplaced(parse("export * from './errors.js';", 'index.ts'))).toEqual([]);
    expect(misplaced(parse("export { injectable } from 'tsyringe';"))).toEqual([]);
  });
});
