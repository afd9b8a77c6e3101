// Lists every platform's native binary in package-lock.json.
//
// npm leaves optional packages out of the lock file when the registry it was written against could not serve them, and
// `npm ci` then refuses the file. The names carry the platform, so the entries can be written down without a download.
// With --check nothing is written; the exit code says whether something is missing.
import { readFileSync, writeFileSync } from 'node:fs';

const CPUS = {
  arm: 'arm',
  arm64: 'arm64',
  x64: 'x64',
  ia32: 'ia32',
  ppc64: 'ppc64',
  riscv64: 'riscv64',
  s390x: 's390x',
};
const SYSTEMS = ['aix', 'android', 'darwin', 'freebsd', 'linux', 'openharmony', 'win32'];

const file = new URL('../package-lock.json', import.meta.url);
const lock = JSON.parse(readFileSync(file, 'utf8'));
const listed = new Set(Object.keys(lock.packages).map((path) => path.split('node_modules/').at(-1)));
const missing = {};

for (const [path, parent] of Object.entries(lock.packages)) {
  if (!path.startsWith('node_modules/')) continue;
  for (const [name, version] of Object.entries(parent.optionalDependencies ?? {})) {
    if (!listed.has(name)) missing[`node_modules/${name}`] = entry(name, version, parent);
  }
}

const names = Object.keys(missing);
if (names.length === 0) process.exit(0);
if (process.argv.includes('--check')) {
  console.error(`package-lock.json does not list ${names.length} optional packages; run "npm run lockfile":`);
  for (const name of names) console.error(`  ${name}`);
  process.exit(1);
}

const packages = Object.entries({ ...lock.packages, ...missing }).sort(([a], [b]) => a.localeCompare(b, 'en'));
writeFileSync(file, `${JSON.stringify({ ...lock, packages: Object.fromEntries(packages) }, null, 2)}\n`);
console.log(`added ${names.length} optional packages to package-lock.json`);

function entry(name, version, parent) {
  const words = name.split('/').at(-1).split('-');
  const os = SYSTEMS.find((system) => words.includes(system));
  const cpu = words.map((word) => CPUS[word]).find((value) => value !== undefined);
  if (os === undefined || cpu === undefined || !/^\d/.test(version)) {
    throw new Error(`cannot tell the platform of ${name}@${version}; add it to package-lock.json by hand`);
  }
  const libc = words.some((word) => word.startsWith('musl')) ? ['musl'] : ['glibc'];
  return {
    version,
    cpu: [cpu],
    ...(parent.dev ? { dev: true } : {}),
    ...(os === 'linux' && words.length > 3 ? { libc } : {}),
    license: parent.license,
    optional: true,
    os: [os],
    ...(parent.engines ? { engines: parent.engines } : {}),
  };
}
