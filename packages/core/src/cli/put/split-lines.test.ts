import { expect, it } from 'vitest';
import { RECORD_BYTES_MAX } from './input-record.js';
import { splitLines } from './split-lines.js';

async function* chunksOf(text: string, size: number) {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function linesOf(text: string, size: number) {
  const lines: string[] = [];
  for await (const { number, bytes } of splitLines(chunksOf(text, size)))
    lines.push(`${number} ${Buffer.from(bytes).toString()}`);
  return lines;
}

it.each([1, 2, 3, 7, 100])('gives the same lines whatever the chunks of %i bytes cut', async (size) => {
  expect(await linesOf('äb\r\n\n€\nlast', size)).toEqual(['1 äb', '2 ', '3 €', '4 last']);
});

it('gives no line for the end of a text that ends in a line feed', async () => {
  expect(await linesOf('a\n', 2)).toEqual(['1 a']);
  expect(await linesOf('', 2)).toEqual([]);
});

it('takes a byte order mark off the first line only', async () => {
  expect(await linesOf('\uFEFFa\n\uFEFFb', 4)).toEqual(['1 a', '2 \uFEFFb']);
});

it('keeps no more of an endless line than it takes to refuse it', async () => {
  async function* endless() {
    for (let n = 0; n < 40; n += 1) yield Buffer.alloc(1024 * 1024);
  }
  for await (const { bytes } of splitLines(endless())) {
    expect(bytes.length).toBeGreaterThan(RECORD_BYTES_MAX);
    expect(bytes.length).toBeLessThan(RECORD_BYTES_MAX + 2 * 1024 * 1024);
  }
});
