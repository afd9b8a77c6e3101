/**
 * The list of jars that make up the daemon: coordinates, size and SHA-256 of each. What is not on the list is not put on
 * the class path, and what is on it has exactly this content.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { MillraceError, toError } from '../errors.js';
import { assetFile } from '../package-files.js';

export interface LockedJar {
  /** `group:artifact:version` */
  readonly artifact: string;
  /** Its place in a Maven repository. */
  readonly path: string;
  /** Its name in the store: the last part of `path`. */
  readonly file: string;
  readonly bytes: number;
  /** In lower-case hexadecimal digits. */
  readonly sha256: string;
  /** As its pom names it: an SPDX identifier where we know one, else the author's own words. */
  readonly license: string | undefined;
  /** False for what Maven resolves and the daemon never loads. */
  readonly needed: boolean;
}

export interface JarLock {
  /** `kcl-3.1.3`; the store's folder begins with it. */
  readonly name: string;
  /** What the list was resolved from: coordinates, or another list's name. */
  readonly root: string;
  readonly jars: readonly LockedJar[];
}

const JAR_LOCK_FORMAT = 1;

const BUILT_IN = assetFile('jars-kcl-3.1.3.json');

/** Millrace's own list: KCL 3.1.3 as Maven resolves it. */
export function readBuiltInLock(): Promise<JarLock> {
  return readJarLock(BUILT_IN);
}

/** @throws MillraceError JAR_LOCK_INVALID when there is no such file or it is no list of jars. */
export async function readJarLock(file: string | URL): Promise<JarLock> {
  const name = String(file);
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new MillraceError('JAR_LOCK_INVALID', `The jar lock ${name} cannot be read: ${toError(error).message}`, {
      cause: error,
    });
  });
  return parseJarLock(text, name);
}

/** @param source - named in errors. */
export function parseJarLock(text: string, source: string): JarLock {
  const invalid = (what: string): MillraceError =>
    new MillraceError(
      'JAR_LOCK_INVALID',
      `${source} is no jar lock: ${what}. Make one with \`millrace jars lock\`, or unset MILLRACE_JARS_LOCK to use the built-in one.`,
    );
  const lock = parseObject(text);
  if (lock === undefined) throw invalid('it is not a JSON object');
  const { format, name, root, jars } = lock;
  if (format !== JAR_LOCK_FORMAT) throw invalid(`its format is ${JSON.stringify(format)}, not ${JAR_LOCK_FORMAT}`);
  if (!isName(name)) throw invalid('its name is missing, or no plain name of letters, digits, dots and dashes');
  if (typeof root !== 'string') throw invalid('its root is missing');
  if (!Array.isArray(jars) || jars.length === 0) throw invalid('it lists no jars');
  const parsed = jars.map((entry: unknown, index) => {
    const jar = parseJar(entry);
    if (typeof jar === 'string') throw invalid(`jar ${index + 1} of ${jars.length} ${jar}`);
    return jar;
  });
  const twice = parsed.find(({ file }, index) => parsed.findIndex((other) => other.file === file) !== index);
  if (twice !== undefined) throw invalid(`two jars are called ${twice.file}`);
  return { name, root, jars: parsed };
}

/** The text of a lock file; the same list gives the same text. */
export function formatJarLock({ name, root, jars }: JarLock): string {
  const entries = jars.map(({ artifact, path, bytes, sha256, license, needed }) =>
    JSON.stringify({ artifact, path, bytes, sha256, license, ...(needed ? {} : { needed }) }),
  );
  const head = JSON.stringify({ format: JAR_LOCK_FORMAT, name, root }, null, 2).slice(0, -2);
  return `${head},\n  "jars": [\n    ${entries.join(',\n    ')}\n  ]\n}\n`;
}

/** Twelve digits that change with any file name or content on the list. */
export function lockDigest({ jars }: JarLock): string {
  const lines = jars.map(({ file, sha256 }) => `${sha256}  ${file}\n`);
  return createHash('sha256').update(lines.toSorted().join('')).digest('hex').slice(0, 12);
}

/** Where Maven repositories keep an artifact: `group:artifact:version`, or with a classifier as the fourth part. */
export function repositoryPath(artifact: string): string {
  const [group = '', name = '', version = '', classifier] = artifact.split(':');
  const suffix = classifier === undefined ? '' : `-${classifier}`;
  return `${group.replaceAll('.', '/')}/${name}/${version}/${name}-${version}${suffix}.jar`;
}

export function isArtifact(text: string): boolean {
  const parts = text.split(':');
  return parts.length >= 3 && parts.length <= 4 && parts.every(isName);
}

/** Names become paths and file names, so nothing that means something to a file system. */
function isName(value: unknown): value is string {
  return typeof value === 'string' && /^[\w][\w.+-]{0,199}$/.test(value) && !value.includes('..');
}

function parseJar(entry: unknown): LockedJar | string {
  if (!isObject(entry)) return 'is no object';
  const { artifact, path, bytes, sha256, license, needed = true } = entry;
  if (typeof artifact !== 'string' || !isArtifact(artifact)) return 'has no `artifact` of the form group:name:version';
  if (path !== repositoryPath(artifact)) return `(${artifact}) has another \`path\` than ${repositoryPath(artifact)}`;
  if (typeof bytes !== 'number' || !Number.isSafeInteger(bytes) || bytes < 1) return `(${artifact}) has no \`bytes\``;
  if (typeof sha256 !== 'string' || !/^[\da-f]{64}$/.test(sha256)) {
    return `(${artifact}) has no \`sha256\` of 64 lower-case hexadecimal digits`;
  }
  if (license !== undefined && typeof license !== 'string') return `(${artifact}) has a \`license\` that is no text`;
  if (typeof needed !== 'boolean') return `(${artifact}) has a \`needed\` that is neither true nor false`;
  return { artifact, path, file: path.slice(path.lastIndexOf('/') + 1), bytes, sha256, license, needed };
}

function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    // Whatever is not JSON is not a lock; the caller says so with the file's name.
    return undefined;
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
