import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const docs = join(root, 'docs');

describe('the charts of the documentation', () => {
  it('show the figures that lie beside them', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'mr-charts-'));
    try {
      await promisify(execFile)(process.execPath, ['bench/charts.mjs', '--into', folder], { cwd: root });
      const drawn = await readdir(folder);
      expect((await readdir(join(docs, 'charts'))).toSorted()).toEqual(drawn.toSorted());
      for (const file of drawn) {
        const kept = await readFile(join(docs, 'charts', file), 'utf8');
        expect(kept, `${file}: npm run bench:charts draws it anew`).toBe(await readFile(join(folder, file), 'utf8'));
      }
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('are all shown', async () => {
    const page = await readFile(join(docs, 'performance.md'), 'utf8');
    for (const file of await readdir(join(docs, 'charts'))) expect(page).toContain(`](charts/${file})`);
  });
});
