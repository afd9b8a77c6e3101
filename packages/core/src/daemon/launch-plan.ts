/** The command line of the daemon: decided here, run elsewhere. */
import { delimiter } from 'node:path';
import type { Java } from './find-java.js';

export interface LaunchRequest {
  readonly java: Java;
  /** Absolute paths, each verified. */
  readonly classPath: readonly string[];
  /** The daemon's properties file. */
  readonly properties: string;
  /** The file that holds `logbackXml`. */
  readonly logback: string;
  readonly heapMegabytes: number;
  readonly preset: LaunchPreset;
  /** The class data sharing archive that `findArchive` found. */
  readonly archive: string | undefined;
  /** The user's own flags; they come last, so they win. */
  readonly javaFlags: readonly string[];
}

/** `fast` starts quickly and never optimises; `server` is for work that lasts. */
export type LaunchPreset = 'fast' | 'server';

export interface LaunchPlan {
  readonly command: string;
  readonly args: readonly string[];
}

const MAIN = 'software.amazon.kinesis.multilang.MultiLangDaemon';

/** The releases that read a dynamic or static archive of application classes without a further flag. */
const ARCHIVE_SINCE = 13;

/**
 * `java ... MultiLangDaemon -p <properties>` with flags that this Java knows.
 *
 * Logback is configured by a system property, not by the daemon's own `-l`: with `-l` the first logger reads KCL's
 * built-in configuration (everything at INFO, properties included), and ours only replaces it once the daemon runs.
 */
export function planLaunch(request: LaunchRequest): LaunchPlan {
  const { java, classPath, properties, logback, javaFlags } = request;
  const flags = [
    ...heapFlags(request),
    ...collectorFlags(request),
    ...archiveFlags(request),
    // The daemon reads and writes its children's pipes in the default charset; LC_ALL=C turns keys into question marks.
    '-Dfile.encoding=UTF-8',
    `-Dlogback.configurationFile=${logback}`,
    ...javaFlags,
  ];
  return { command: java.path, args: [...flags, '-cp', classPath.join(delimiter), MAIN, '-p', properties] };
}

function heapFlags({ java, heapMegabytes }: LaunchRequest): readonly string[] {
  return [
    `-Xmx${heapMegabytes}m`,
    // A thread that dies of memory leaves a daemon that holds leases and serves nothing.
    '-XX:+ExitOnOutOfMemoryError',
    // Known since 8u92 only; an older Java 8 starts without it.
    ...(java.version === 8 ? ['-XX:+IgnoreUnrecognizedVMOptions'] : []),
  ];
}

/** A JVM refuses two collectors, so ours gives way to the user's. */
function collectorFlags({ preset, javaFlags }: LaunchRequest): readonly string[] {
  const chosen = javaFlags.some((flag) => /^-XX:\+Use\w+GC$/.test(flag));
  const collector = chosen ? [] : ['-XX:+UseSerialGC'];
  switch (preset) {
    case 'fast':
      return [...collector, '-XX:TieredStopAtLevel=1'];
    case 'server':
      return collector;
    default:
      return preset satisfies never;
  }
}

function archiveFlags({ java, archive }: LaunchRequest): readonly string[] {
  if (archive === undefined || java.version < ARCHIVE_SINCE) return [];
  // `auto`: whatever does not fit is read from the jars instead.
  return [`-XX:SharedArchiveFile=${archive}`, '-Xshare:auto'];
}
