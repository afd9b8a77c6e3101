/** The options of `millrace doctor`. */
import type { Command } from 'commander';
import { CONSUMER, MODULE, PROPERTIES_FILE } from '../module-options.js';
import { readCount } from '../read-options.js';
import type { Terminal } from '../terminal.js';

interface DoctorFlags {
  readonly consumer?: string;
  readonly file?: string;
  readonly stopTimeout?: number;
  readonly json: boolean;
}

export function addDoctorCommand(program: Command, terminal: Terminal, finish: (exitCode: number) => void): void {
  program
    .command('doctor')
    .argument('<module>', MODULE)
    .summary('check everything that the daemon needs, in seconds')
    .description(
      'Checks this machine (Node.js, Java, jars), the configuration, and what the daemon needs at AWS: credentials, stream, tables, leases, time. Nothing is changed. Exit code 2 when something keeps the daemon from running.',
    )
    .option('--consumer <name>', CONSUMER)
    .option('--file <file>', PROPERTIES_FILE)
    .option(
      '--stop-timeout <seconds>',
      'how long your platform waits before it kills; default: the variable MILLRACE_STOP_TIMEOUT',
      readCount,
    )
    .option('--json', 'print the checks as JSON', false)
    .action(async (module: string, { consumer, file, stopTimeout, json }: DoctorFlags) => {
      const { examine } = await import('./doctor-command.js');
      const { systemDoctorPorts } = await import('./doctor-ports.js');
      const request = { module, cwd: terminal.cwd, consumer, propertiesFile: file };
      finish(await examine({ ...request, stopTimeoutSeconds: stopTimeout, json }, terminal, systemDoctorPorts()));
    });
}
