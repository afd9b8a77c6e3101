// Makes packages/core/assets/jars-kcl-3.1.3.json anew: what Maven itself resolves for the daemon, with size and SHA-256 of
// each jar, and which of them the daemon needs.
//
//   node scripts/lock-jars.mjs                  needs `mvn` on the PATH
//   node scripts/lock-jars.mjs --keep <folder>  leaves the jars there, for scripts/loaded-jars.mjs
//   node scripts/lock-jars.mjs --check          writes nothing, fails when the file would change
//
// Needed is what scripts/loaded-jars.mjs saw classes of (scripts/jars/loaded.json), corrected by
// scripts/jars/decisions.json.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const KCL = '3.1.3';
const SDK = '2.33.0';
const ROOTS = [
  `software.amazon.kinesis:amazon-kinesis-client-multilang:${KCL}`,
  // Profiles of `aws sso login` work only with these two, which KCL does not depend on.
  `software.amazon.awssdk:sso:${SDK}`,
  `software.amazon.awssdk:ssooidc:${SDK}`,
];
/** What no scenario loads and a daemon may need all the same; and what is loaded for no use. Each with its reason. */
const DECISIONS = JSON.parse(readFileSync(new URL('jars/decisions.json', import.meta.url), 'utf8'));
const OUTPUT = new URL(`../packages/core/assets/jars-kcl-${KCL}.json`, import.meta.url);
/** The names that poms give their licenses, as SPDX knows them. */
const SPDX = [
  [/Apache.*2|^ASL 2/i, 'Apache-2.0'],
  [/^(The )?MIT( License)?( \(MIT\))?$/i, 'MIT'],
  [/^MIT No Attribution|^MIT-0$/i, 'MIT-0'],
  [/BSD-3|3-Clause|New BSD/i, 'BSD-3-Clause'],
  [/BSD-2|2-Clause|^The BSD License$/i, 'BSD-2-Clause'],
  [/Eclipse Public License.*1\.0/i, 'EPL-1.0'],
];

const { values } = parseArgs({ options: { keep: { type: 'string' }, check: { type: 'boolean' } } });
const folder = mkdtempSync(join(tmpdir(), 'lock-jars-'));
try {
  const jars = resolveJars();
  markNeeded(jars);
  const text = format(jars);
  if (values.check && readFileSync(OUTPUT, 'utf8') !== text) {
    console.error('packages/core/assets is not what Maven resolves; run "node scripts/lock-jars.mjs".');
    process.exitCode = 1;
  }
  if (!values.check) writeFileSync(OUTPUT, text);
  report(jars);
} finally {
  rmSync(folder, { recursive: true });
}

/** Coordinates from `dependency:list`, contents from `dependency:copy-dependencies`; both are Maven's own answer. */
function resolveJars() {
  writeFileSync(join(folder, 'pom.xml'), pom());
  const copies = values.keep ?? join(folder, 'jars');
  maven('dependency:copy-dependencies', `-DoutputDirectory=${copies}`, '-DincludeScope=runtime');
  const list = join(folder, 'list.txt');
  maven('dependency:list', `-DoutputFile=${list}`, '-DincludeScope=runtime');
  const repository = localRepository();
  return plain(readFileSync(list, 'utf8'))
    .split('\n')
    .map((line) => /^ +([\w.-]+):([\w.-]+):jar:([\w.-]+):(?:compile|runtime)\b/.exec(line))
    .filter((match) => match !== null)
    .map(([, group, name, version]) => readJar({ copies, repository }, { group, name, version }))
    .sort((a, b) => (a.artifact < b.artifact ? -1 : 1));
}

function readJar({ copies, repository }, { group, name, version }) {
  const file = `${name}-${version}.jar`;
  const content = readFileSync(join(copies, file));
  return {
    artifact: `${group}:${name}:${version}`,
    path: `${group.replaceAll('.', '/')}/${name}/${version}/${file}`,
    bytes: content.length,
    sha256: createHash('sha256').update(content).digest('hex'),
    license: licenseOf(repository, { group, name, version }),
    file,
  };
}

function pom() {
  const dependencies = ROOTS.map((root) => {
    const [group, name, version] = root.split(':');
    return `<dependency><groupId>${group}</groupId><artifactId>${name}</artifactId><version>${version}</version></dependency>`;
  });
  return `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion><groupId>millrace</groupId><artifactId>jars</artifactId><version>1</version><dependencies>${dependencies.join('')}</dependencies></project>\n`;
}

function maven(...words) {
  execFileSync('mvn', ['-B', '-q', '-f', join(folder, 'pom.xml'), ...words], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

/** Maven has read every pom and its parents by now, so they are in its local repository. */
function localRepository() {
  const words = ['-B', '-q', 'help:evaluate', '-Dexpression=settings.localRepository', '-DforceStdout'];
  return plain(execFileSync('mvn', words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })).trim();
}

/** Maven colours its output whoever reads it. */
function plain(text) {
  return text.replaceAll(/\u001B\[[\d;]*m/g, '');
}

/** The first license that the artifact's pom names, or the nearest parent of it that names one. */
function licenseOf(repository, { group, name, version }) {
  const file = join(repository, ...group.split('.'), name, version, `${name}-${version}.pom`);
  if (!existsSync(file)) return undefined;
  const text = readFileSync(file, 'utf8').replaceAll(/<!--[\s\S]*?-->/g, '');
  const license = /<licenses>[\s\S]*?<name>([\s\S]*?)<\/name>/.exec(text)?.[1]?.replaceAll(/\s+/g, ' ').trim();
  if (license !== undefined) return SPDX.find(([pattern]) => pattern.test(license))?.[1] ?? license;
  const parent = /<parent>([\s\S]*?)<\/parent>/.exec(text)?.[1];
  const field = (tag) => new RegExp(`<${tag}>([^<]+)</${tag}>`).exec(parent)?.[1].trim();
  if (parent === undefined) return undefined;
  return licenseOf(repository, { group: field('groupId'), name: field('artifactId'), version: field('version') });
}

function markNeeded(jars) {
  const loaded = Object.values(JSON.parse(readFileSync(new URL('jars/loaded.json', import.meta.url), 'utf8')));
  const wanted = new Set([...loaded.flat(), ...Object.keys(DECISIONS.needed)]);
  for (const name of Object.keys(DECISIONS.leftOut)) wanted.delete(name);
  for (const jar of jars) jar.needed = wanted.delete(jar.file.replace(/\.jar$/, ''));
  if (wanted.size > 0) throw new Error(`not resolved any more: ${[...wanted].join(', ')}; run scripts/loaded-jars.mjs`);
}

/** As formatJarLock writes it; a test compares the two. */
function format(jars) {
  const entries = jars.map(({ artifact, path, bytes, sha256, license, needed }) =>
    JSON.stringify({ artifact, path, bytes, sha256, license, ...(needed ? {} : { needed }) }),
  );
  const head = JSON.stringify({ format: 1, name: `kcl-${KCL}`, root: ROOTS[0] }, null, 2).slice(0, -2);
  return `${head},\n  "jars": [\n    ${entries.join(',\n    ')}\n  ]\n}\n`;
}

function report(jars) {
  const sum = (list) =>
    `${list.length} jars, ${(list.reduce((bytes, jar) => bytes + jar.bytes, 0) / 1e6).toFixed(1)} MB`;
  console.log(`resolved: ${sum(jars)}`);
  console.log(`needed:   ${sum(jars.filter(({ needed }) => needed))}`);
  console.log(`left out: ${sum(jars.filter(({ needed }) => !needed))}`);
}
