/**
 * Makes packages/core/src/definition/kcl-properties.ts and the tables of docs/configuration.md anew from the property table.
 * Run it with `npm run generate:config` after a change of the table; a unit test fails when it was forgotten.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { renderPage, renderTypes } from '../packages/core/test/generated/render-config.ts';

const types = new URL('../packages/core/src/definition/kcl-properties.ts', import.meta.url);
const page = new URL('../docs/configuration.md', import.meta.url);

await writeFile(types, renderTypes());
await writeFile(page, renderPage(await readFile(page, 'utf8')));
