/** The least client, and before it the bare import of class-validator, whose time it tells. */
const before = performance.now();
await import('class-validator');
globalThis.benchImportMs = performance.now() - before;
await import('./limit.mjs');
