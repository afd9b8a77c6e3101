import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Archive } from './archive.js';

describe('Archive', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'archive-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('writes a file of lines, and makes the folder', async () => {
    await new Archive(join(folder, 'clicks')).write('a.jsonl', ['1', '2'], new AbortController().signal);

    expect(await readFile(join(folder, 'clicks/a.jsonl'), 'utf8')).toBe('1\n2\n');
  });

  it('shows no part of a file that was given up', async () => {
    await expect(new Archive(folder).write('a.jsonl', ['1'], AbortSignal.abort())).rejects.toThrow('aborted');

    expect(await readdir(folder)).not.toContain('a.jsonl');
  });
});
