/**
 * Makes the tables of docs/errors.md anew from the catalogues of errors. Run it with `npm run generate:errors` after a
 * change of a catalogue; a unit test fails when it was forgotten.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { renderErrorPage } from '../packages/core/test/generated/render-errors.ts';

const page = new URL('../docs/errors.md', import.meta.url);

await writeFile(page, renderErrorPage(await readFile(page, 'utf8')));
