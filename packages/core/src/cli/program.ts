/** The command line: commands, options, help. What a command does stands in a file of its own, loaded when it is needed. */
import { Command, CommanderError, Option } from 'commander';
import { EXIT_CODES, exitCodeOf } from '../exit-codes.js';
import type { Engine } from '../worker-options.js';
import { addDoctorCommand } from './doctor/doctor-program.js';
import { addDeadLetterCommands } from './dead-letter/dead-letter-program.js';
import { addDevCommand } from './dev/dev-program.js';
import { helpFooter } from './help-text.js';
import { addJarsCommands } from './jars/jars-program.js';
import { CONSUMER, MODULE, PROPERTIES_FILE } from './module-options.js';
import { addOperateCommands } from './operate/operate-program.js';
import { addProvisionCommands } from './provision/provision-program.js';
import { addPutCommand } from './put/put-program.js';
import { formatError } from '../format-error.js';
import { packageVersion } from '../package-files.js';
import type { Terminal } from './terminal.js';

/** What a command hands back: the exit code of the process. */
export type Finish = (exitCode: number) => void;

/** Runs a command line to its end; never rejects. `run` ends the process itself. */
export async function runCli(words: readonly string[], terminal: Terminal): Promise<number> {
  let exitCode: number = EXIT_CODES.ok;
  const program = buildProgram(terminal, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync(words, { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT_CODES.ok : EXIT_CODES.wrongUse;
    terminal.err(formatError(error, isVerbose(program, terminal)));
    return exitCodeOf(error);
  }
}

export function buildProgram(terminal: Terminal, finish: Finish): Command {
  const program = new Command('millrace')
    .description('Consume Amazon Kinesis streams with annotated TypeScript classes.')
    .exitOverride()
    .configureOutput({ writeOut: (text) => terminal.out(text), writeErr: (text) => terminal.err(text) })
    .showSuggestionAfterError()
    .showHelpAfterError('(millrace --help lists commands and options)')
    .version(packageVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help; `millrace <command> --help` tells about a command')
    .option('--verbose', 'print the stack of errors')
    .addHelpText('after', helpFooter());
  program.commandsGroup('Developing:');
  addDevCommand(program, { terminal, finish, isVerbose: () => isVerbose(program, terminal) });
  addPutCommand(program, terminal, finish);
  program.commandsGroup('Running:');
  addRunCommand(program, terminal);
  addPropertiesCommand(program, terminal);
  addDeadLetterCommands(program, terminal, finish);
  program.commandsGroup('Operating:');
  addOperateCommands(program, terminal);
  program.commandsGroup('Deploying:');
  addProvisionCommands(program, terminal);
  addJarsCommands(program, terminal, finish);
  addDoctorCommand(program, terminal, finish);
  program.commandsGroup('Help:').helpCommand('help [command]', 'print the help of a command');
  return program;
}

interface ModuleFlags {
  readonly consumer?: string;
  readonly file?: string;
}

const ENGINES: readonly Engine[] = ['daemon', 'local', 'stdio', 'aws-kcl'];

function addRunCommand(program: Command, terminal: Terminal): void {
  program
    .command('run')
    .argument('<module>', MODULE)
    .summary('run consumers without a main.ts of your own')
    .description(
      'Runs every consumer that a module exports. A function `register` that the module exports registers services, as the option of run() does. SIGTERM and SIGINT end it in order, a second one at once.',
    )
    .option('--consumer <name>', CONSUMER)
    .option('--file <file>', PROPERTIES_FILE)
    .addOption(new Option('--engine <engine>', 'default: the variable MILLRACE_ENGINE, else daemon').choices(ENGINES))
    .action(async (module: string, { consumer, file, engine }: ModuleFlags & { readonly engine?: Engine }) => {
      const { runModule } = await import('./run-command.js');
      await runModule({ module, cwd: terminal.cwd, consumer, engine, propertiesFile: file });
    });
}

function addPropertiesCommand(program: Command, terminal: Terminal): void {
  program
    .command('properties')
    .argument('<module>', MODULE)
    .summary("print the daemon's effective properties and where each comes from")
    .description(
      'Prints the properties file that a MultiLangDaemon would be started with, the origin of every value above it, and what Millrace keeps to itself. All mistakes are reported at once.',
    )
    .option('--consumer <name>', CONSUMER)
    .option('--file <file>', PROPERTIES_FILE)
    .option('--json', 'print an array with an object for each consumer', false)
    .action(async (module: string, { consumer, file, json }: ModuleFlags & { readonly json: boolean }) => {
      const { printProperties } = await import('./properties-command.js');
      await printProperties({ module, cwd: terminal.cwd, consumer, propertiesFile: file, json }, terminal);
    });
}

function isVerbose(program: Command, { env }: Terminal): boolean {
  return program.opts<{ readonly verbose?: boolean }>().verbose === true || (env['MILLRACE_DEBUG'] ?? '') !== '';
}
