import { expect, it } from 'vitest';
import { readLine, RECORD_BYTES_MAX, type InputRules } from './input-record.js';

const rules: InputRules = { key: { kind: 'literal', key: 'k' }, raw: false, randomKey: () => 'r' };
const bytes = (text: string) => Buffer.from(text);

it('sends the bytes of a JSON line as they came', () => {
  const line = bytes('{ "b":1,  "a": 2 }');
  expect(readLine(line, rules)).toEqual({ kind: 'record', record: { data: line, partitionKey: 'k' } });
});

it('takes the key from the JSON', () => {
  const read = readLine(bytes('{"id":5}'), { ...rules, key: { kind: 'field', path: ['id'] } });
  expect(read).toMatchObject({ kind: 'record', record: { partitionKey: '5' } });
});

it.each(['', '  \t'])('passes over a blank line', (text) => {
  expect(readLine(bytes(text), rules)).toEqual({ kind: 'blank' });
});

it('says why a line is not JSON, and how to send it all the same', () => {
  const read = readLine(bytes('{"id":'), rules);
  expect(read).toMatchObject({ kind: 'invalid' });
  expect(read.kind === 'invalid' && read.why).toMatch(/^is not JSON \(.+\); send it as it is with --raw$/);
});

it('refuses bytes that are no text instead of changing them', () => {
  expect(readLine(Buffer.from([0x22, 0xff, 0x22]), rules)).toEqual({
    kind: 'invalid',
    why: 'is not UTF-8; send it as it is with --raw',
  });
});

it('sends anything under raw, except with a key from a field', () => {
  const line = Buffer.from([0xff, 0x00]);
  expect(readLine(line, { ...rules, raw: true })).toMatchObject({ kind: 'record', record: { data: line } });
  expect(readLine(line, { ...rules, raw: true, key: { kind: 'field', path: ['id'] } })).toMatchObject({
    kind: 'invalid',
  });
});

it('refuses a line that no record can hold', () => {
  expect(readLine(Buffer.alloc(RECORD_BYTES_MAX + 1, '1'), { ...rules, raw: true })).toMatchObject({
    kind: 'invalid',
    why: expect.stringContaining('is longer than a record can be'),
  });
});
