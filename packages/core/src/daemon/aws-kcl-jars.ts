/**
 * The jars that the installed `aws-kcl` would run with, from the list in its pom.xml.
 *
 * The list has no checksums. The ones used here are the files `.sha256` and `.sha1` beside each artifact, from the same
 * server: they find damage, they do not find a server that lies. The lock file that comes of it does, from then on.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { syncFolder } from '../dead-letter/sync-folder.js';
import type { Environment } from '../definition/definition.js';
import { isMillraceError, MillraceError, toError } from '../errors.js';
import { hasCode } from './file-error.js';
import { downloadFile, storeFailure, type Expected } from './download-file.js';
import { inParallel, type FetchPorts } from './jar-fetch.js';
import { formatJarLock, repositoryPath, type JarLock, type LockedJar } from './jar-lock.js';
import { jarsFolder, storeFolder, type JarStore } from './jar-store.js';
import { verifyJars } from './jar-verify.js';
import { readChecksum } from './maven-checksum.js';
import { readPom } from './read-pom.js';

export interface BillOfMaterials {
  /** `aws-kcl-2.3.2` */
  readonly name: string;
  /** The pom.xml. */
  readonly file: string;
  readonly artifacts: readonly string[];
}

export interface AwsKclJars {
  readonly store: JarStore;
  /** For MILLRACE_JARS_LOCK. */
  readonly lockFile: string;
  /** How many jars had no better checksum than each of these. */
  readonly checkedBy: Readonly<Record<Algorithm, number>>;
}

export type Algorithm = 'sha256' | 'sha1';

const LOCK_FILE = 'lock.json';

/**
 * Looks for `aws-kcl` as a module in `folder` would.
 *
 * @throws MillraceError DEPENDENCY_MISSING; JAR_LOCK_INVALID for a pom.xml that lists no plain jars.
 */
export async function readAwsKclList(folder: string): Promise<BillOfMaterials> {
  const manifest = findManifest(folder);
  const file = join(dirname(manifest), 'pom.xml');
  // Its own package.json: npm requires both fields.
  const { version } = JSON.parse(await readFile(manifest, 'utf8')) as { readonly version: string };
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new MillraceError('JAR_LOCK_INVALID', `aws-kcl ${version} has no list of jars: ${toError(error).message}`, {
      cause: error,
    });
  });
  return { name: `aws-kcl-${version}`, file, artifacts: readPom(text, file) };
}

function findManifest(folder: string): string {
  try {
    return createRequire(join(folder, 'package.json')).resolve('aws-kcl/package.json');
  } catch (error) {
    throw new MillraceError(
      'DEPENDENCY_MISSING',
      `aws-kcl is not installed in ${folder}. Install it (npm install aws-kcl), or leave out --from-aws-kcl to use Millrace's own list.`,
      { cause: error },
    );
  }
}

/**
 * Downloads everything into a folder nobody looks into, makes a lock of what came, and publishes both by one rename.
 *
 * @returns undefined when the signal aborted.
 */
export async function fetchAwsKclJars(
  list: BillOfMaterials,
  env: Environment,
  ports: FetchPorts,
): Promise<AwsKclJars | undefined> {
  const partial = join(jarsFolder(env), `.partial-${list.name}-${randomUUID()}`);
  try {
    await mkdir(partial, { recursive: true });
    const received = await download(list, partial, ports);
    if (received === undefined) return undefined;
    const lock: JarLock = { name: list.name, root: list.name, jars: received.map(({ jar }) => jar) };
    const folder = storeFolder(env, lock);
    await writeFile(join(partial, LOCK_FILE), formatJarLock(lock), { flush: true });
    await rm(join(partial, '.partial'), { recursive: true });
    await publish(partial, folder);
    const store = { folder, lock, jars: lock.jars };
    await verifyJars(store);
    const count = (algorithm: Algorithm): number => received.filter(({ by }) => by === algorithm).length;
    const checkedBy = { sha256: count('sha256'), sha1: count('sha1') };
    return { store, lockFile: join(folder, LOCK_FILE), checkedBy };
  } catch (error) {
    throw isMillraceError(error) ? error : storeFailure(jarsFolder(env), error);
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
}

interface Received {
  readonly jar: LockedJar;
  readonly by: Algorithm;
}

async function download(
  { artifacts }: BillOfMaterials,
  folder: string,
  ports: FetchPorts,
): Promise<readonly Received[] | undefined> {
  const received: (Received | undefined)[] = artifacts.map(() => undefined);
  ports.observer.started({ jars: artifacts.length, bytes: 0, mended: [] });
  const task = async (index: number, signal: AbortSignal): Promise<void> => {
    received[index] = await downloadOne(artifacts[index] ?? '', folder, { ...ports, signal });
  };
  await inParallel([...artifacts.keys()], task, ports.signal);
  const complete = received.filter((jar) => jar !== undefined);
  return complete.length < artifacts.length ? undefined : complete;
}

async function downloadOne(artifact: string, folder: string, ports: FetchPorts): Promise<Received | undefined> {
  const path = repositoryPath(artifact);
  const file = path.slice(path.lastIndexOf('/') + 1);
  const downloading = { ...ports, onBytes: (count: number): void => ports.observer.received(count) };
  const checksum = await readChecksum(path, downloading);
  if (checksum === undefined) return undefined;
  const expected: Expected = { [checksum.algorithm]: checksum.digest };
  const wanted = { path, target: join(folder, file), partial: join(folder, '.partial'), expected };
  const got = await downloadFile(wanted, downloading);
  if (got === undefined) return undefined;
  ports.observer.finished({ file, bytes: got.bytes });
  return { jar: { artifact, path, file, ...got, license: undefined, needed: true }, by: checksum.algorithm };
}

/** The folder's name tells its content, so a folder that is there already is as good as ours. */
async function publish(partial: string, folder: string): Promise<void> {
  try {
    await rename(partial, folder);
  } catch (error) {
    if (!hasCode(error, 'ENOTEMPTY') && !hasCode(error, 'EEXIST')) throw error;
  }
  await syncFolder(dirname(folder));
}
