/**
 * The files of this package that are found at run time. This one lies one folder below the package, as `src/package-files.ts`
 * and in whichever bundle it is: all of them lie in `dist`, beside the programs.
 */
import { readFileSync } from 'node:fs';

/** What is neither code nor documentation. */
export function assetFile(name: string): URL {
  return new URL(`../assets/${name}`, import.meta.url);
}

/** An entry of ours that is started as a process of its own. Sources have none: they are run by tests only. */
export function programFile(name: 'errand.main' | 'worker.main'): URL {
  return new URL(`./${name}.js`, import.meta.url);
}

export function packageVersion(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  // Our own manifest.
  return (JSON.parse(text) as { readonly version: string }).version;
}
