/**
 * The class data sharing archive: the daemon's classes as the JVM keeps them in memory, parsed and verified, to be mapped
 * instead of read from 73 jars. It is made from a list of classes, without running the daemon.
 *
 * A JVM passes over an archive that another build made or whose jars have other paths or times, without a word. So the
 * name of the file is made of exactly these, and an archive that is found is one that is used.
 */
import { execFile } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { MillraceError, toError } from '../errors.js';
import { hasCode } from './file-error.js';
import type { Java } from './find-java.js';
import type { JarStore } from './jar-store.js';
import { lockDigest } from './jar-lock.js';
import { assetFile } from '../package-files.js';

export interface ArchiveRequest {
  readonly store: JarStore;
  readonly java: Java;
  /** What `verifyJars` returned. */
  readonly classPath: readonly string[];
}

/** Earlier releases want further flags for an archive of application classes. */
const ARCHIVE_SINCE = 13;
/** Earlier releases stop at a line about a lambda. */
const LAMBDAS_SINCE = 16;
const LAMBDA = '@';

const CLASSES = assetFile('classes-kcl-3.1.3.txt.gz');

const SUFFIX = '.jsa';
const DUMPED_WITHIN_MS = 300_000;
const OUTPUT_BYTES = 64 * 1024 * 1024;
const DUMP_HEAP = '-Xmx256m';

/** The archive of these jars for this Java; undefined when there is none. It takes a few milliseconds. */
export async function findArchive(store: JarStore, java: Java): Promise<string | undefined> {
  const file = await archiveFile({ store, java, classPath: store.jars.map(({ file }) => join(store.folder, file)) });
  return file !== undefined && (await exists(file)) ? file : undefined;
}

/**
 * Makes the archive if it is not there, and removes those of other jars and other builds of Java. Undefined for a Java
 * that has none (before 13).
 *
 * @throws MillraceError ARCHIVE_FAILED with what Java said, or with what the file system said.
 */
export async function makeArchive(request: ArchiveRequest): Promise<string | undefined> {
  const file = await archiveFile(request);
  if (file === undefined) return undefined;
  const folder = archiveFolder(request.store);
  try {
    await mkdir(folder, { recursive: true });
    if (!(await exists(file))) await dump(request, file);
    await removeOthers(folder, file);
  } catch (error) {
    throw failed(request, folder, toError(error));
  }
  return file;
}

/** Beside the jars, in a folder of its own: what is no jar does not count as one. */
function archiveFolder({ folder }: JarStore): string {
  return join(folder, '.classes');
}

/** Undefined where there can be none: an old Java, or jars that are not there. */
async function archiveFile({ store, java, classPath }: ArchiveRequest): Promise<string | undefined> {
  if (java.version < ARCHIVE_SINCE) return undefined;
  const key = createHash('sha256').update(`${java.build}\n${lockDigest(store.lock)}\n`);
  try {
    for (const jar of classPath) {
      const { mtimeMs, size } = await stat(jar);
      // The JVM compares seconds; the layers of an image may have lost the rest.
      key.update(`${jar}\n${Math.floor(mtimeMs / 1000)} ${size}\n`);
    }
    key.update(await readFile(CLASSES));
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
  return join(archiveFolder(store), `java-${java.version}-${key.digest('hex').slice(0, 16)}${SUFFIX}`);
}

/** Two at once each write a file of their own; the second rename replaces the first by its like. */
async function dump({ java, classPath }: ArchiveRequest, file: string): Promise<void> {
  const partial = `${file}.${randomUUID()}`;
  const [list, archive] = [`${partial}.txt`, `${partial}.partial`];
  try {
    await writeFile(list, await classList(java));
    await promisify(execFile)(java.path, dumpFlags({ list, archive, classPath }), {
      timeout: DUMPED_WITHIN_MS,
      maxBuffer: OUTPUT_BYTES,
    });
    await rename(archive, file);
  } finally {
    await Promise.all([list, archive].map((path) => rm(path, { force: true })));
  }
}

function dumpFlags({
  list,
  archive,
  classPath,
}: Readonly<Record<'list' | 'archive', string>> & Pick<ArchiveRequest, 'classPath'>): readonly string[] {
  return [
    '-Xshare:dump',
    // Only this collector can write the heap's part of an archive; the others can read it.
    '-XX:+UseG1GC',
    DUMP_HEAP,
    // A class that this Java or another list of jars does not have is left out; thousands of lines would say so.
    '-Xlog:disable',
    '-Xlog:all=error:stderr',
    `-XX:SharedClassListFile=${list}`,
    `-XX:SharedArchiveFile=${archive}`,
    '-cp',
    classPath.join(delimiter),
  ];
}

async function classList({ version }: Java): Promise<string> {
  const text = (await promisify(gunzip)(await readFile(CLASSES))).toString('utf8');
  if (version >= LAMBDAS_SINCE) return text;
  return text
    .split('\n')
    .filter((line) => !line.startsWith(LAMBDA))
    .join('\n');
}

const ABANDONED_AFTER_MS = 3_600_000;

/** What others write at this moment stays; what they left an hour ago does not. */
async function removeOthers(folder: string, kept: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    if (path === kept) continue;
    const done = name.endsWith(SUFFIX);
    if (done || (await isOlder(path, Date.now() - ABANDONED_AFTER_MS))) await rm(path, { force: true });
  }
}

async function isOlder(path: string, thanMs: number): Promise<boolean> {
  try {
    return (await stat(path)).mtimeMs < thanMs;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false;
    throw error;
  }
}

async function exists(file: string): Promise<boolean> {
  try {
    return (await stat(file)).isFile();
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false;
    throw error;
  }
}

const SAID_LETTERS = 2_000;

function failed({ java }: ArchiveRequest, folder: string, cause: Error): MillraceError {
  const said = 'stderr' in cause && typeof cause.stderr === 'string' ? cause.stderr.trim().slice(-SAID_LETTERS) : '';
  // The message of a failed command repeats the command, with 73 paths.
  const what = said === '' ? cause.message.slice(0, SAID_LETTERS) : said;
  return new MillraceError(
    'ARCHIVE_FAILED',
    `The archive of the daemon's classes was not made in ${folder} with ${java.path} (${java.build}): ${what}. The daemon runs without it, and starts more slowly.`,
    { details: { folder, java: java.path }, cause },
  );
}
