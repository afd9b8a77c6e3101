import { fileURLToPath } from 'node:url';

const source = (path: string) => fileURLToPath(new URL(`./packages/${path}`, import.meta.url));

/** Tests run on the sources: no build is needed and coverage counts lines people can read. */
export const resolve = {
  alias: [
    { find: /^@millrace\/core$/, replacement: source('core/src/index.ts') },
    { find: /^@millrace\/core\/internal$/, replacement: source('core/src/internal.ts') },
    { find: /^@millrace\/testing$/, replacement: source('testing/src/index.ts') },
    { find: /^@millrace\/testing\/explore$/, replacement: source('testing/src/explore.ts') },
    { find: /^@millrace\/testing\/vitest$/, replacement: source('testing/src/vitest.ts') },
  ],
};

/**
 * Vite reads decorator options from the tsconfig that includes a file, and ours exclude the tests.
 * Said here, they hold for every file.
 */
export const oxc = { decorator: { legacy: true, emitDecoratorMetadata: true } };
