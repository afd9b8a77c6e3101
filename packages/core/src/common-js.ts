/**
 * Loads CommonJS packages. For an `import` of one, Node reads its exports with a parser in WebAssembly, which it never lets go
 * of again: about 4 MB in each process. `require` does without, and gives the same instance of the package.
 */
import { createRequire } from 'node:module';

export const require = createRequire(import.meta.url);
