/** Amazon's own daemon, KCL 3.1.3 on the locked jars, over a child that only says when it was initialized. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { writeProperties } from '../../src/config/properties-text.js';
import { openJarStore } from '../../src/daemon/jar-store.js';
import { verifyJars } from '../../src/daemon/jar-verify.js';

const MILLRACE = fileURLToPath(new URL('../../bin/millrace.js', import.meta.url));

const LOGBACK = `<configuration>
  <appender name="OUT" class="ch.qos.logback.core.ConsoleAppender"><encoder><pattern>%d %p %c{1} %m%n</pattern></encoder></appender>
  <root level="WARN"><appender-ref ref="OUT"/></root>
  <logger name="software.amazon.kinesis" level="INFO"/>
</configuration>`;

/** Notes every initialize, answers it, and takes what comes until the daemon is gone. */
const CHILD = `#!/bin/sh
read -r line
echo "$line" >> "$1"
printf '{"action":"status","responseFor":"initialize"}\\n'
exec cat >/dev/null
`;

/** The daemon's class path: the locked jars, fetched into a store below the folder as a user would fetch them. */
export async function fetchClassPath(folder: string): Promise<string> {
  const env = { ...process.env, MILLRACE_JARS: join(folder, 'jars') };
  await promisify(execFile)(process.execPath, [MILLRACE, 'jars', 'fetch'], { env });
  return (await verifyJars(await openJarStore(env))).join(delimiter);
}

export interface DaemonOptions {
  /** Its own, without blanks in its path. */
  readonly folder: string;
  readonly classPath: string;
  readonly properties: Readonly<Record<string, string>>;
}

/** Milliseconds from the start of Java to the first initialize; the daemon is gone when this returns. */
export async function firstInitializeMs(
  { folder, classPath, properties }: DaemonOptions,
  withinMs: number,
): Promise<number> {
  await mkdir(folder, { recursive: true });
  const [child, started] = [join(folder, 'child.sh'), join(folder, 'started.txt')];
  await writeFile(child, CHILD);
  await writeFile(join(folder, 'logback.xml'), LOGBACK);
  const all = { ...properties, executableName: `/bin/sh ${child} ${started}` };
  await writeFile(
    join(folder, 'app.properties'),
    writeProperties(Object.entries(all).map(([name, value]) => ({ name, value }))),
  );
  const main = ['-cp', classPath, 'software.amazon.kinesis.multilang.MultiLangDaemon'];
  const startedMs = performance.now();
  const java = spawn('java', ['-XX:TieredStopAtLevel=1', ...main, '-p', 'app.properties', '-l', 'logback.xml'], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, AWS_ACCESS_KEY_ID: 'AKIALOCAL', AWS_SECRET_ACCESS_KEY: 'local' },
  });
  let output = '';
  for (const stream of [java.stdout, java.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  const exited = once(java, 'exit');
  try {
    while (!existsSync(started) || (await readFile(started, 'utf8')) === '') {
      if (java.exitCode !== null || performance.now() - startedMs > withinMs)
        throw new Error(`No initialize came. The daemon said:\n${output.slice(-5_000)}`);
      await sleep(50);
    }
    return Math.round(performance.now() - startedMs);
  } finally {
    // Its children leave when their pipes close.
    java.kill('SIGKILL');
    await exited;
  }
}
