/**
 * Makes the table of transitions in docs/daemon.md anew from the lifecycle of a daemon. Run it with
 * `npm run generate:daemon` after a change of the lifecycle; a unit test fails when it was forgotten.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { renderDaemonPage } from '../packages/core/test/generated/render-lifecycle.ts';

const page = new URL('../docs/daemon.md', import.meta.url);

await writeFile(page, renderDaemonPage(await readFile(page, 'utf8')));
