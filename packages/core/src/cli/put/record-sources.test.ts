import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openRecords, type RecordSource, type SourceContext } from './record-sources.js';

let cwd: string;
beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'record-sources-'));
});
afterAll(() => rm(cwd, { recursive: true }));

const context = (): SourceContext => ({
  rules: { key: { kind: 'literal', key: 'k' }, raw: false, randomKey: () => 'r' },
  cwd,
  valuesOf: (n) => ({ n, uuid: `u${n}`, now: 'T' }),
});

async function take(source: RecordSource): Promise<string[]> {
  const taken: string[] = [];
  for await (const { data } of await openRecords(source, context())) taken.push(Buffer.from(data).toString());
  return taken;
}

async function* chunks(...texts: string[]) {
  for (const text of texts) yield Buffer.from(text);
}

describe('a file', () => {
  it('gives a record for every line that is not blank', async () => {
    await writeFile(join(cwd, 'good.jsonl'), '{"id":1}\n\n{"id":2}');
    expect(await take({ kind: 'file', file: 'good.jsonl' })).toEqual(['{"id":1}', '{"id":2}']);
  });

  it('is refused whole, with the place of every bad line', async () => {
    await writeFile(join(cwd, 'bad.jsonl'), '{"id":1}\n\nnope\n{"id":2}\n[');
    const opened = openRecords({ kind: 'file', file: 'bad.jsonl' }, context());
    await expect(opened).rejects.toMatchObject({ code: 'INPUT_INVALID' });
    await expect(opened).rejects.toThrow(
      /^2 lines of the file cannot be sent, so nothing was:\n {2}- bad\.jsonl:3 .*\n {2}- bad\.jsonl:5 /,
    );
  });

  it('shows ten bad lines and counts the rest', async () => {
    await writeFile(join(cwd, 'worse.jsonl'), 'x\n'.repeat(13));
    const opened = openRecords({ kind: 'file', file: 'worse.jsonl' }, context());
    await expect(opened).rejects.toThrow(/worse\.jsonl:10 [^\n]*\n {2}- and 3 more$/);
  });

  it('that is missing is bad input', async () => {
    const opened = openRecords({ kind: 'file', file: 'missing.jsonl' }, context());
    await expect(opened).rejects.toMatchObject({ code: 'INPUT_INVALID' });
    await expect(opened).rejects.toThrow(/^missing\.jsonl cannot be read: ENOENT/);
  });
});

describe('standard input', () => {
  it('gives records as they come and stops at a bad line, naming it', async () => {
    const records = await openRecords({ kind: 'stdin', stdin: chunks('1\n2\n', 'nope\n3\n') }, context());
    const input = records[Symbol.asyncIterator]();
    expect((await input.next()).value).toMatchObject({ data: Buffer.from('1') });
    expect((await input.next()).value).toMatchObject({ data: Buffer.from('2') });
    await expect(input.next()).rejects.toThrow(/^stdin:3 is not JSON/);
  });
});

describe('a pattern', () => {
  it('gives so many records', async () => {
    expect(await take({ kind: 'pattern', pattern: '{"n":{{n}},"u":"{{uuid}}"}', count: 2 })).toEqual([
      '{"n":1,"u":"u1"}',
      '{"n":2,"u":"u2"}',
    ]);
  });

  it('that gives no JSON is bad input, with the text it gave', async () => {
    await expect(take({ kind: 'pattern', pattern: '{n:{{n}}}', count: 2 })).rejects.toThrow(
      /^Record 1 of the pattern is not JSON .*\{n:1\}$/,
    );
  });
});
