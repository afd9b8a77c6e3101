/** Bundles the simulator with the sources as they are, or with a bug planted in them. */
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

/** A change of one place in one source file. */
export interface Patch {
  /** Below `src`. */
  readonly file: string;
  /** Stands there exactly once. */
  readonly find: string;
  readonly replace: string;
}

export interface Build {
  readonly program: string;
  remove(): Promise<void>;
}

const root = fileURLToPath(new URL('..', import.meta.url));

export async function build(patch?: Patch): Promise<Build> {
  // Inside of the package, so that what the sources import is found.
  const folder = await mkdtemp(join(root, 'dist', '.sim-'));
  let patched = 0;
  const bundle = await rolldown({
    input: join(root, 'sim/seeds.main.ts'),
    platform: 'node',
    tsconfig: join(root, 'tsconfig.json'),
    external: /^[^./]/,
    plugins: [
      {
        name: 'patch',
        transform: (code, id) => {
          if (patch === undefined || id !== join(root, 'src', patch.file)) return undefined;
          const parts = code.split(patch.find);
          if (parts.length !== 2) throw new Error(`"${patch.find}" stands ${parts.length - 1} times in ${patch.file}.`);
          patched += 1;
          return parts.join(patch.replace);
        },
      },
    ],
  });
  await bundle.write({ file: join(folder, 'seeds.mjs'), format: 'esm' });
  await bundle.close();
  if (patch !== undefined && patched !== 1) throw new Error(`The simulator does not load ${patch.file}.`);
  return { program: join(folder, 'seeds.mjs'), remove: () => rm(folder, { recursive: true, force: true }) };
}
