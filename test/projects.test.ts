import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = (path: string) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const json = (path: string) => JSON.parse(readFileSync(root(path), 'utf8'));

const workspaces = ['packages', 'examples'].flatMap((folder) =>
  existsSync(root(folder))
    ? readdirSync(root(folder))
        .map((name) => `${folder}/${name}`)
        .filter((path) => existsSync(root(`${path}/package.json`)))
    : [],
);

describe('tsc -b', () => {
  const references: string[] = json('tsconfig.json').references.map(({ path }: { path: string }) => path);

  it('checks every workspace and its tests', () => {
    const projects = workspaces.flatMap((path) => [
      path,
      ...(existsSync(root(`${path}/tsconfig.test.json`)) ? [`${path}/tsconfig.test.json`] : []),
    ]);
    expect(references).toEqual(expect.arrayContaining(projects));
  });

  it('leaves no test file out', () => {
    const unchecked = workspaces.filter((path) => hasTests(path) && !existsSync(root(`${path}/tsconfig.test.json`)));
    expect(unchecked).toEqual([]);
  });
});

describe('the packages', () => {
  it.each(workspaces.filter((path) => path.startsWith('packages/')))(
    '%s is ESM for Node 20.19 and runs no script on install',
    (path) => {
      const manifest = json(`${path}/package.json`);
      expect(manifest).toMatchObject({ type: 'module', engines: { node: '>=20.19' }, license: 'Apache-2.0' });
      expect(manifest.scripts ?? {}).toEqual({});
    },
  );

  it.each(workspaces.filter((path) => path.startsWith('examples/')))('%s is never published', (path) => {
    expect(json(`${path}/package.json`)).toMatchObject({ private: true, type: 'module' });
  });

  it('come from the public registry: the lock file names no other host', () => {
    const lock: { packages: Record<string, { resolved?: string; link?: boolean }> } = json('package-lock.json');
    const hosts = Object.values(lock.packages)
      .filter(({ link, resolved }) => !link && resolved !== undefined)
      .map(({ resolved }) => new URL(String(resolved)).host);
    expect(hosts.filter((host) => host !== 'registry.npmjs.org')).toEqual([]);
  });
});

function hasTests(workspace: string): boolean {
  return ['src', 'test', 'slow', 'e2e']
    .map((folder) => root(`${workspace}/${folder}`))
    .filter((folder) => existsSync(folder))
    .some((folder) => readdirSync(folder, { recursive: true }).some((name) => String(name).endsWith('.test.ts')));
}
