/** What the daemon runs on, looked after before anything is started: Java, the jars, and the archive that halves its starts. */
import { findArchive, makeArchive } from '../../daemon/class-archive.js';
import { findJava } from '../../daemon/find-java.js';
import { openJarStore } from '../../daemon/jar-store.js';
import { verifyJars } from '../../daemon/jar-verify.js';
import type { Environment } from '../../definition/definition.js';
import { isMillraceError } from '../../errors.js';
import type { DevEvent } from './dev-events.js';

/** @throws MillraceError JAVA_UNUSABLE, JARS_MISSING, JAR_REFUSED, JAR_LOCK_INVALID. */
export async function readyDaemon(env: Environment, emit: (event: DevEvent) => void): Promise<void> {
  const store = await openJarStore(env);
  const [java, classPath] = await Promise.all([findJava(env), verifyJars(store)]);
  if ((await findArchive(store, java)) !== undefined) return;
  emit({ kind: 'makingArchive' });
  try {
    await makeArchive({ store, java, classPath });
  } catch (error) {
    // A store that cannot be written, as in an image: the daemon starts all the same.
    if (!isMillraceError(error, 'ARCHIVE_FAILED')) throw error;
    emit({ kind: 'archiveFailed', why: error.message });
  }
}
