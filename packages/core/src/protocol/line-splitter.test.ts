import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isMillraceError } from '../errors.js';
import { LineSplitter } from './line-splitter.js';

const NO_LIMIT = 1 << 30;

function linesOf(splitter: LineSplitter, ...chunks: (string | Uint8Array)[]): string[] {
  return chunks.flatMap((chunk) => splitter.push(Buffer.from(chunk)).map((line) => Buffer.from(line).toString()));
}

/** Cuts bytes at the given places. */
function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const sorted = [...places].sort((a, b) => a - b);
  return [0, ...sorted].map((start, index) => bytes.subarray(start, sorted[index] ?? bytes.length));
}

describe('LineSplitter', () => {
  it('ends lines at line feeds and nowhere else', () => {
    expect(linesOf(new LineSplitter(NO_LIMIT), 'a\u2028b\u2029c\u0085d\ve\ff\rg\n')).toEqual([
      'a\u2028b\u2029c\u0085d\ve\ff\rg',
    ]);
  });

  it('strips one carriage return at the end of a line and skips empty lines', () => {
    expect(linesOf(new LineSplitter(NO_LIMIT), '\n\r\na\r\nb\r\r\n\n')).toEqual(['a', 'b\r']);
  });

  it('gives the same lines however the bytes are cut', () => {
    const stream = fc.array(fc.constantFrom('\n', '\r', 'a', 'é', '😀', '{"x":1}', '\r\n'), { maxLength: 40 });
    const places = fc.array(fc.nat({ max: 120 }), { maxLength: 12 });
    fc.assert(
      fc.property(stream, places, (parts, at) => {
        const bytes = Buffer.from(parts.join(''));
        const whole = new LineSplitter(NO_LIMIT);
        const pieces = new LineSplitter(NO_LIMIT);
        const chunks = cut(
          bytes,
          at.map((place) => Math.min(place, bytes.length)),
        );

        expect(linesOf(pieces, ...chunks)).toEqual(linesOf(whole, bytes));
        expect(pieces.end()).toBe(whole.end());
      }),
      { numRuns: 3000 },
    );
  });

  it('does not copy a line that lies in one chunk', () => {
    const chunk = Buffer.from('first\nsecond\n');

    const lines = new LineSplitter(NO_LIMIT).push(chunk);

    expect(lines.map((line) => line.buffer === chunk.buffer)).toEqual([true, true]);
  });

  it('reports the bytes of an unfinished line at the end of input and starts afresh', () => {
    const splitter = new LineSplitter(NO_LIMIT);
    splitter.push(Buffer.from('whole\nhal'));
    splitter.push(Buffer.from('f'));

    expect(splitter.end()).toBe(4);
    expect(splitter.end()).toBe(0);
    expect(linesOf(splitter, 'next\n')).toEqual(['next']);
  });

  it('takes a line as long as the limit', () => {
    expect(linesOf(new LineSplitter(5), '12345\n', '123', '45\n')).toEqual(['12345', '12345']);
  });

  it.each([
    ['in one chunk', ['123456\n']],
    ['over several chunks', ['123', '456\n']],
    ['before its line feed came', ['123', '456']],
  ])('refuses a longer line %s and says what to change', (_, chunks) => {
    const splitter = new LineSplitter(5);
    let thrown: unknown;
    try {
      linesOf(splitter, ...chunks);
    } catch (error) {
      thrown = error;
    }

    expect(isMillraceError(thrown, 'LINE_TOO_LONG')).toBe(true);
    expect(thrown).toMatchObject({ details: { lineBytes: 6, lineBytesMax: 5 } });
    expect(String(thrown)).toContain('maxRecords');
    expect(splitter.end()).toBe(0);
  });

  it('gathers lines of several sessions in memory of which one buffer is enough', () => {
    const first = new LineSplitter(NO_LIMIT);
    const second = new LineSplitter(NO_LIMIT);
    const places = new Set<ArrayBufferLike>();
    for (let round = 0; round < 5; round += 1) {
      for (const splitter of [first, second]) {
        splitter.push(Buffer.alloc(70_000, 'a'));
        const [line] = splitter.push(Buffer.from('b\n'));
        expect(
          Buffer.from(line ?? [])
            .subarray(-2)
            .toString(),
        ).toBe('ab');
        if (line !== undefined) places.add(line.buffer);
        splitter.letGo();
      }
    }

    expect(places.size).toBe(1);
  });

  it('does not write into a line that it has just given', () => {
    const splitter = new LineSplitter(NO_LIMIT);
    splitter.push(Buffer.from('on'));
    const lines = splitter.push(Buffer.from('e\ntwo\nthr'));

    expect(lines.map((line) => Buffer.from(line).toString())).toEqual(['one', 'two']);
    expect(linesOf(splitter, 'ee\n')).toEqual(['three']);
  });

  it('copies each byte of a long line a few times at most', () => {
    const splitter = new LineSplitter(NO_LIMIT);
    const chunk = Buffer.alloc(64 * 1024, 'x');
    for (let count = 0; count < 1000; count += 1) splitter.push(chunk);

    const [line] = splitter.push(Buffer.from('\n'));

    // Quadratic joining of these 64 MB would take half a minute and fail the test by its time limit.
    expect(line?.length).toBe(1000 * chunk.length);
  });
});
