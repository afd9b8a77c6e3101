/** The options of `millrace jars`. */
import { Option, type Command } from 'commander';
import type { Terminal } from '../terminal.js';
import type { FetchFlags } from './jars-commands.js';

const ALL = 'all jars that Maven resolves, also those that the daemon never loads';

export const JAR_VARIABLES: readonly (readonly [name: string, meaning: string])[] = [
  ['MILLRACE_JARS', 'the folder of all lists; default: millrace/jars in XDG_CACHE_HOME or ~/.cache'],
  ['MILLRACE_JARS_LOCK', 'a lock file of your own instead of the built-in list'],
  ['MILLRACE_JARS_ALL', '1 is --all, for the daemon as well'],
  ['MILLRACE_MAVEN_URL', 'a mirror instead of Maven Central; user and password may stand in it'],
  ['MILLRACE_MAVEN_USER', 'user of the mirror'],
  ['MILLRACE_MAVEN_PASSWORD', 'password of the mirror'],
  ['MILLRACE_MAVEN_ALLOW_HTTP', '1 lets a mirror be plain http'],
  ['MILLRACE_JAVA, JAVA_HOME', 'the Java that the archive of classes is made for; default: the one on the PATH'],
  ['HTTPS_PROXY, HTTP_PROXY, NO_PROXY', 'as every tool reads them'],
];

export function addJarsCommands(program: Command, terminal: Terminal, finish: (exitCode: number) => void): void {
  const jars = program
    .command('jars')
    .summary("the daemon's Java libraries: fetch, verify, list")
    .description(
      "Amazon's daemon and its libraries, by a list with the size and SHA-256 of each jar. They are fetched once, at build time or on a machine, and verified at every start.",
    )
    .addHelpText('after', variables());
  jars
    .command('fetch')
    .summary('download what is missing or damaged, and verify')
    .description(
      'Downloads the jars that are missing or damaged, eight at once, verifies all of them, and makes the archive of classes where there is a Java.',
    )
    .option('--all', ALL, false)
    .addOption(new Option('--offline', 'use no network: fail if anything is missing').default(false))
    .addOption(
      new Option('--from-aws-kcl', 'take the list in the pom.xml of the installed aws-kcl')
        .default(false)
        .conflicts(['offline', 'all']),
    )
    .option('--no-archive', "do not make the archive of the daemon's classes")
    .action(async (flags: FetchFlags) => {
      const { fetchCommand } = await import('./jars-commands.js');
      finish(await fetchCommand(flags, terminal));
    });
  jars
    .command('archive')
    .summary("make the archive of the daemon's classes, for a quick start")
    .description(
      'Makes the archive from which Java maps the classes of the daemon, for this Java and these jars. Nothing is done when it is there.',
    )
    .option('--all', ALL, false)
    .action(async (flags: { readonly all: boolean }) => {
      const { archiveCommand } = await import('./archive-command.js');
      await archiveCommand(flags, terminal);
    });
  jars
    .command('verify')
    .summary('check size and SHA-256 of every jar')
    .description('Checks size and SHA-256 of every jar, as every start does, and names each that is not right.')
    .option('--all', ALL, false)
    .action(async (flags: { readonly all: boolean }) => {
      const { verifyCommand } = await import('./jars-commands.js');
      await verifyCommand(flags, terminal);
    });
  addReports(jars, terminal, finish);
}

function addReports(jars: Command, terminal: Terminal, finish: (exitCode: number) => void): void {
  jars
    .command('ls')
    .summary('print what is there')
    .description('Prints every jar with its size and state, and the folder.')
    .option('--all', ALL, false)
    .option('--json', 'print an object with the folder and every jar', false)
    .action(async (flags: { readonly all: boolean; readonly json: boolean }) => {
      const { listCommand } = await import('./jars-commands.js');
      await listCommand(flags, terminal);
    });
  jars
    .command('lock')
    .summary('print the list of jars, to review or to keep')
    .description(
      'Prints the list of jars in use: coordinates, size and SHA-256. Keep it in your repository and name it in MILLRACE_JARS_LOCK to decide yourself when it changes.',
    )
    .option('--from-aws-kcl', 'download what the installed aws-kcl lists, and print a list of that', false)
    .action(async (flags: { readonly fromAwsKcl: boolean }) => {
      const { lockCommand } = await import('./jars-commands.js');
      finish(await lockCommand(flags, terminal));
    });
  jars
    .command('sbom')
    .summary('print a software bill of materials')
    .description('Prints the jars as CycloneDX 1.6 JSON, for the scanners that read it.')
    .option('--all', ALL, false)
    .action(async (flags: { readonly all: boolean }) => {
      const { sbomCommand } = await import('./jars-commands.js');
      await sbomCommand(flags, terminal);
    });
}

function variables(): string {
  const width = Math.max(...JAR_VARIABLES.map(([name]) => name.length));
  const lines = JAR_VARIABLES.map(([name, meaning]) => `  ${name.padEnd(width)}  ${meaning}`);
  return ['', 'Environment variables:', ...lines].join('\n');
}
