/** `millrace jars archive`, and what the other commands say of the archive. */
import { stat } from 'node:fs/promises';
import { findArchive, makeArchive } from '../../daemon/class-archive.js';
import { findJava, type Java } from '../../daemon/find-java.js';
import type { JarStore } from '../../daemon/jar-store.js';
import { verifyJars } from '../../daemon/jar-verify.js';
import type { Environment } from '../../definition/definition.js';
import { isMillraceError } from '../../errors.js';
import type { Terminal } from '../terminal.js';
import { formatMegabytes } from './format-bytes.js';
import { openStore, type AllFlag } from './open-store.js';

/** @throws MillraceError JAVA_UNUSABLE, JARS_MISSING, JAR_REFUSED, ARCHIVE_FAILED. */
export async function archiveCommand(flags: AllFlag, terminal: Terminal): Promise<void> {
  const store = await openStore(flags, terminal);
  const java = await findJava(terminal.env);
  await archive(store, java, terminal);
}

/** At the end of a fetch: the jars are what was asked for, so whatever hinders the archive is only told. */
export async function archiveNote(store: JarStore, terminal: Terminal): Promise<void> {
  try {
    await archive(store, await findJava(terminal.env), terminal);
  } catch (error) {
    if (!isMillraceError(error, 'JAVA_UNUSABLE') && !isMillraceError(error, 'ARCHIVE_FAILED')) throw error;
    terminal.err(
      `Note: no archive of classes was made, so the daemon starts more slowly. ${error.message} Then run \`millrace jars archive\`.\n`,
    );
  }
}

/** The file for the Java that would be used; null where there is none of either. */
export async function archiveState(store: JarStore, env: Environment): Promise<string | null> {
  try {
    return (await findArchive(store, await findJava(env))) ?? null;
  } catch (error) {
    if (isMillraceError(error, 'JAVA_UNUSABLE')) return null;
    throw error;
  }
}

async function archive(store: JarStore, java: Java, terminal: Terminal): Promise<void> {
  const classPath = await verifyJars(store);
  const found = await findArchive(store, java);
  const file = found ?? (await makeArchive({ store, java, classPath }));
  if (file === undefined) {
    terminal.out(`Java ${java.version} takes no archive of classes; 13 and later do. The daemon runs without one.\n`);
    return;
  }
  const news = found === undefined ? 'made' : 'there already';
  terminal.out(`archive for Java ${java.version}: ${formatMegabytes((await stat(file)).size)} in ${file}; ${news}\n`);
}
