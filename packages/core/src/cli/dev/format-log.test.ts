import { expect, it } from 'vitest';
import { formatLog } from './format-log.js';

const entry = (fields: object) => JSON.stringify({ level: 40, time: '2026-01-31T08:09:10.123Z', ...fields });

it('shows time, level, message and fields', () => {
  expect(formatLog(entry({ shardId: 'A', counts: { a: 1 }, msg: 'Slow.' }))).toBe(
    '08:09:10 WARN Slow. shardId=A counts={"a":1}',
  );
});

it('shows the stack of an error below', () => {
  const err = { type: 'Error', message: 'no', stack: 'Error: no\n    at x' };
  expect(formatLog(entry({ err, msg: 'Failed.' }))).toBe('08:09:10 WARN Failed.\n  Error: no\n      at x');
});

it('leaves out frames that are not of the program, unless there are no others', () => {
  const frames = (...places: readonly string[]) => `Error: no\n${places.map((place) => `    at ${place}`).join('\n')}`;
  const shown = (stack: string) =>
    formatLog(entry({ err: { message: 'no', stack }, msg: 'Failed.' }))
      .split('\n')
      .slice(2);
  expect(
    shown(frames('placed (/p/src/a.ts:1:2)', 'run (/p/node_modules/@millrace/core/b.js:1:2)', 'node:internal/x:1:2')),
  ).toEqual(['      at placed (/p/src/a.ts:1:2)']);
  expect(shown(frames('connect (node:net:1:2)', 'y (/p/node_modules/y/z.js:1:2)'))).toHaveLength(2);
});

it.each(['sending 7', '{"level":"high"}', '{"level":30', '{"level":30}', ''])('leaves %j as it is', (line) => {
  expect(formatLog(line)).toBe(line);
});

it('cuts long values', () => {
  expect(formatLog(entry({ note: 'x'.repeat(500), msg: 'm' })).length).toBeLessThan(250);
});
