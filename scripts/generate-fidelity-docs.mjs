/**
 * Makes the table of rules in docs/testing.md anew from the scenarios. Run it with `npm run generate:fidelity` after a change
 * of the rules; a unit test fails when it was forgotten.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { renderTestingPage } from '../packages/testing/test/rules/render-fidelity.ts';

const page = new URL('../docs/testing.md', import.meta.url);

await writeFile(page, renderTestingPage(await readFile(page, 'utf8')));
