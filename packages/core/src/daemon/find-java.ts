/**
 * Which Java runs the daemon. What is named is what is used: an option or a variable that leads nowhere is an error and
 * not a reason to look further, or another Java than the one that was meant would run in production.
 */
import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access, readFile, realpath, stat } from 'node:fs/promises';
import { delimiter, dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import type { Environment } from '../definition/definition.js';
import { MillraceError, toError } from '../errors.js';

export interface Java {
  /** The executable, absolute. */
  readonly path: string;
  /** The feature release: 8, 17, 25. */
  readonly version: number;
  /** Names one build of the JVM for one processor; an archive of classes is good for exactly one. */
  readonly build: string;
  readonly from: 'option' | 'JAVA_HOME' | 'PATH';
}

interface Candidate {
  readonly path: string;
  readonly from: Java['from'];
  /** In the words of the user: `JAVA_HOME=/opt/java`. */
  readonly named: string;
}

const OLDEST = 8;
const EXECUTABLE = 'java';
const ANSWERS_WITHIN_MS = 20_000;
const MEND =
  'Install one (`apt-get install default-jre-headless`), or name one in JAVA_HOME or in MILLRACE_JAVA (a java executable or the folder of a JRE).';

/**
 * The Java that is named by the option, MILLRACE_JAVA or JAVA_HOME, or else the first on the PATH.
 *
 * @param option - a java executable, or a folder like JAVA_HOME.
 * @throws MillraceError JAVA_UNUSABLE naming each place that was looked at, and what to do.
 */
export async function findJava(env: Environment, option?: string): Promise<Java> {
  const candidate = await findCandidate(env, option);
  const { version, build } = await readBuild(candidate);
  if (version < OLDEST) {
    throw unusable(`${candidate.named} is Java ${version}; the daemon needs ${OLDEST} or later.`, [candidate.named]);
  }
  return { path: candidate.path, version, build, from: candidate.from };
}

async function findCandidate(env: Environment, option: string | undefined): Promise<Candidate> {
  const own = given(option) ?? given(env['MILLRACE_JAVA']);
  if (own !== undefined) {
    const named = given(option) === undefined ? `MILLRACE_JAVA=${own}` : `The option ${own}`;
    return namedCandidate({ named, from: 'option', places: [resolve(own), javaOf(resolve(own))] });
  }
  const home = given(env['JAVA_HOME']);
  if (home !== undefined) {
    return namedCandidate({ named: `JAVA_HOME=${home}`, from: 'JAVA_HOME', places: [javaOf(resolve(home))] });
  }
  const places = (env['PATH'] ?? '')
    .split(delimiter)
    .filter((folder) => folder !== '')
    .map((folder) => resolve(folder, EXECUTABLE));
  const path = await firstExecutable(places);
  if (path !== undefined) return { path, from: 'PATH', named: path };
  throw unusable(
    `No Java was found. MILLRACE_JAVA and JAVA_HOME are not set, and there is no executable at ${places.join(', ') || 'any place, as PATH is empty'}.`,
    places,
  );
}

async function namedCandidate({
  named,
  from,
  places,
}: Omit<Candidate, 'path'> & { readonly places: readonly string[] }): Promise<Candidate> {
  const path = await firstExecutable(places);
  if (path !== undefined) return { path, from, named };
  throw unusable(`${named} is no Java: there is no executable file at ${places.join(' or ')}.`, places);
}

async function firstExecutable(places: readonly string[]): Promise<string | undefined> {
  for (const place of places) {
    if (await isExecutable(place)) return place;
  }
  return undefined;
}

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    // Whatever the reason is, it cannot be run; the error names the place when no other can.
    return false;
  }
}

interface Build {
  readonly version: number;
  readonly build: string;
}

async function readBuild(candidate: Candidate): Promise<Build> {
  return (await readReleaseFile(candidate.path)) ?? askJava(candidate);
}

/** A JRE has the file beside its folder `bin`; to read it takes a millisecond, to start Java a hundred. */
async function readReleaseFile(path: string): Promise<Build | undefined> {
  try {
    const text = await readFile(join(dirname(dirname(await realpath(path))), 'release'), 'utf8');
    return parseRelease(text);
  } catch {
    // Some packages leave it out; then Java itself is asked.
    return undefined;
  }
}

/** The text of `<home>/release`; undefined when it does not tell a build exactly. */
export function parseRelease(text: string): Build | undefined {
  const value = (name: string): string | undefined => new RegExp(`^${name}="([^"\\n]+)"`, 'm').exec(text)?.[1];
  // Java 8 has no JAVA_RUNTIME_VERSION everywhere, and its JAVA_VERSION may be that of another build.
  const [runtime, vendor, processor] = [value('JAVA_RUNTIME_VERSION'), value('IMPLEMENTOR'), value('OS_ARCH')];
  if (runtime === undefined || vendor === undefined || processor === undefined) return undefined;
  return described(runtime, [vendor, value('IMPLEMENTOR_VERSION'), runtime, processor, value('LIBC')]);
}

async function askJava(candidate: Candidate): Promise<Build> {
  const output = await promisify(execFile)(candidate.path, ['-XshowSettings:properties', '-version'], {
    timeout: ANSWERS_WITHIN_MS,
  }).catch((error: unknown) => {
    throw unusable(`${candidate.named} cannot be run: ${toError(error).message}.`, [candidate.path], error);
  });
  const build = parseSettings(`${output.stderr}\n${output.stdout}`);
  if (build === undefined) throw unusable(`${candidate.named} does not say which Java it is.`, [candidate.path]);
  return build;
}

/** What `java -XshowSettings:properties -version` prints. */
export function parseSettings(text: string): Build | undefined {
  const value = (name: string): string | undefined =>
    new RegExp(`^\\s*${name.replaceAll('.', '\\.')} = (.+?)\\s*$`, 'm').exec(text)?.[1];
  const runtime = value('java.runtime.version') ?? value('java.version');
  if (runtime === undefined) return undefined;
  return described(runtime, [value('java.vendor'), value('java.vendor.version'), runtime, value('os.arch')]);
}

function described(runtime: string, parts: readonly (string | undefined)[]): Build | undefined {
  // 1.8.0_392-b08 is Java 8, 17.0.15+6 is Java 17.
  const version = /^(?:1\.)?(\d+)/.exec(runtime)?.[1];
  if (version === undefined) return undefined;
  return { version: Number(version), build: parts.filter((part) => part !== undefined).join(' ') };
}

const javaOf = (home: string): string => join(home, 'bin', EXECUTABLE);

const given = (value: string | undefined): string | undefined => (value === '' ? undefined : value);

function unusable(what: string, lookedAt: readonly string[], cause?: unknown): MillraceError {
  return new MillraceError('JAVA_UNUSABLE', `${what} ${MEND}`, {
    details: { lookedAt },
    ...(cause === undefined ? {} : { cause }),
  });
}
