/** `millrace jars`: fetch, verify, list, lock, sbom. */
import { fetchAwsKclJars, readAwsKclList, type AwsKclJars } from '../../daemon/aws-kcl-jars.js';
import { fetchJars, type FetchPorts } from '../../daemon/jar-fetch.js';
import { formatJarLock, type LockedJar } from '../../daemon/jar-lock.js';
import { formatSbom } from '../../daemon/jar-sbom.js';
import { openJarStore, type JarStore } from '../../daemon/jar-store.js';
import { inspectJars, verifyJars, type JarState } from '../../daemon/jar-verify.js';
import { openMavenRepository } from '../../daemon/maven-repository.js';
import { readMavenSettings } from '../../daemon/maven-settings.js';
import { EXIT_CODES, type ExitCode } from '../../exit-codes.js';
import { systemClock } from '../../process-ports.js';
import type { Terminal } from '../terminal.js';
import { archiveNote, archiveState } from './archive-command.js';
import { barProgress, lineProgress } from './fetch-progress.js';
import { formatMegabytes } from './format-bytes.js';
import { openStore, type AllFlag } from './open-store.js';

export interface FetchFlags {
  readonly all: boolean;
  readonly offline: boolean;
  readonly fromAwsKcl: boolean;
  readonly archive: boolean;
}

/** @throws MillraceError JARS_MISSING, JAR_REFUSED, DOWNLOAD_FAILED, INPUT_INVALID, DEPENDENCY_MISSING. */
export async function fetchCommand(flags: FetchFlags, terminal: Terminal): Promise<ExitCode> {
  if (flags.fromAwsKcl) {
    const jars = await fromAwsKcl(terminal);
    if (jars === undefined) return EXIT_CODES.forcedByInterrupt;
    terminal.out(`${described(jars.store)}\n`);
    terminal.out(`To run with them: MILLRACE_JARS_LOCK=${jars.lockFile}\n`);
    if (flags.archive) await archiveNote(jars.store, terminal);
    return EXIT_CODES.ok;
  }
  const store = await openStore(flags, terminal);
  if (flags.offline) {
    await verifyJars(store);
    terminal.out(`${described(store)}\n`);
    if (flags.archive) await archiveNote(store, terminal);
    return EXIT_CODES.ok;
  }
  const fetched = await fetching(terminal, (ports) => fetchJars(store, ports));
  if (!fetched.complete) {
    terminal.err('Interrupted. Jars that are whole stay; the same command goes on from here.\n');
    return EXIT_CODES.forcedByInterrupt;
  }
  const news = fetched.jars === 0 ? 'nothing to fetch' : `${fetched.jars} fetched (${formatMegabytes(fetched.bytes)})`;
  terminal.out(`${described(store)}; ${news}\n`);
  if (flags.archive) await archiveNote(store, terminal);
  return EXIT_CODES.ok;
}

/** @throws MillraceError JARS_MISSING, JAR_REFUSED. */
export async function verifyCommand(flags: AllFlag, terminal: Terminal): Promise<void> {
  const store = await openStore(flags, terminal);
  const startedMs = systemClock.monotonicMs();
  await verifyJars(store);
  const elapsedMs = Math.round(systemClock.monotonicMs() - startedMs);
  terminal.out(`${described(store)}; verified in ${elapsedMs} ms\n`);
}

export async function listCommand({ all, json }: AllFlag & { readonly json: boolean }, terminal: Terminal) {
  const store = await openStore({ all }, terminal);
  const { jars, foreign } = await inspectJars(store);
  if (json) {
    const { folder, lock } = store;
    const listed = jars.map(({ jar, state }) => ({ ...jar, state: describeState(state) }));
    const archive = await archiveState(store, terminal.env);
    terminal.out(`${JSON.stringify({ folder, list: lock.name, jars: listed, foreign, archive }, null, 2)}\n`);
    return;
  }
  const width = Math.max(...jars.map(({ jar }) => jar.file.length), ...foreign.map((file) => file.length));
  const rows = [
    ...jars.map(({ jar, state }) => [jar.file, formatMegabytes(jar.bytes), describeState(state)] as const),
    ...foreign.map((file) => [file, '', 'on no list; remove it'] as const),
  ];
  for (const [file, size, state] of rows) terminal.out(`${file.padEnd(width)}  ${size.padStart(7)}  ${state}\n`);
  terminal.out(`${described(store)}\n`);
}

/** Also after a download, standard output is the list alone. */
export async function lockCommand(
  { fromAwsKcl: asked }: { readonly fromAwsKcl: boolean },
  terminal: Terminal,
): Promise<ExitCode> {
  const store = asked ? (await fromAwsKcl(terminal))?.store : await openJarStore(terminal.env);
  if (store === undefined) return EXIT_CODES.forcedByInterrupt;
  terminal.out(formatJarLock(store.lock));
  return EXIT_CODES.ok;
}

export async function sbomCommand(flags: AllFlag, terminal: Terminal): Promise<void> {
  const { lock, jars } = await openStore(flags, terminal);
  terminal.out(formatSbom(lock, jars));
}

async function fromAwsKcl(terminal: Terminal): Promise<AwsKclJars | undefined> {
  const list = await readAwsKclList(terminal.cwd);
  const jars = await fetching(terminal, (ports) => fetchAwsKclJars(list, terminal.env, ports));
  if (jars === undefined) return undefined;
  const { sha256, sha1 } = jars.checkedBy;
  terminal.err(
    `${list.file} lists ${list.artifacts.length} jars and no checksums. ${sha256} were checked by the repository's .sha256 files, ${sha1} by its .sha1 files: that finds damage, not a repository that gives other jars. From here on the lock file holds size and SHA-256 of each.\n`,
  );
  return jars;
}

/** Ctrl-C ends a fetch in order: nothing half-written is left, and what is whole stays. */
async function fetching<T>(terminal: Terminal, work: (ports: FetchPorts) => Promise<T>): Promise<T> {
  const repository = openMavenRepository(readMavenSettings(terminal.env));
  const interrupted = new AbortController();
  const onInterrupt = (): void => interrupted.abort();
  const observer = process.stderr.isTTY
    ? barProgress(process.stderr, systemClock)
    : lineProgress((text) => terminal.err(text));
  process.once('SIGINT', onInterrupt);
  try {
    const { signal } = interrupted;
    return await work({ repository, clock: systemClock, random: Math.random, signal, observer });
  } finally {
    process.off('SIGINT', onInterrupt);
    observer.close();
    await repository.close();
  }
}

function described({ folder, lock, jars }: JarStore): string {
  return `${lock.name}: ${jars.length} jars, ${formatMegabytes(sumBytes(jars))} in ${folder}`;
}

function sumBytes(jars: readonly LockedJar[]): number {
  return jars.reduce((sum, { bytes }) => sum + bytes, 0);
}

function describeState(state: JarState): string {
  switch (state.kind) {
    case 'ok':
    case 'missing':
      return state.kind;
    case 'refused':
      return state.why;
    default:
      return state satisfies never;
  }
}
