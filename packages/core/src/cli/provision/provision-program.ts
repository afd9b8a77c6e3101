/** The options of `millrace provision` and `millrace iam`. */
import { InvalidArgumentError, Option, type Command } from 'commander';
import type { TemplateKind } from '../../daemon/provision-templates.js';
import { CONSUMER, MODULE, PROPERTIES_FILE } from '../module-options.js';
import type { Terminal } from '../terminal.js';

const TEMPLATES: readonly TemplateKind[] = ['cloudformation', 'terraform'];

interface ProvisionFlags {
  readonly consumer?: string;
  readonly file?: string;
  readonly leases: boolean;
  readonly dryRun: boolean;
  readonly print?: TemplateKind;
  readonly json: boolean;
}

interface IamFlags {
  readonly consumer?: string;
  readonly file?: string;
  readonly account?: string;
  readonly region?: string;
  readonly provisioned: boolean;
}

export function addProvisionCommands(program: Command, terminal: Terminal): void {
  program
    .command('provision')
    .argument('<module>', MODULE)
    .summary("create the daemon's tables before the first start")
    .description(
      'Creates the DynamoDB tables of each consumer, with their index, and checks those that exist. Running it again changes nothing. A fresh application then starts in seconds.',
    )
    .option('--consumer <name>', CONSUMER)
    .option('--file <file>', PROPERTIES_FILE)
    .option('--leases', 'write the first leases too, into an empty table and all at once', false)
    .addOption(new Option('--dry-run', 'say what would be done, and do nothing').default(false))
    .addOption(
      new Option('--print <template>', 'print the tables as a template, without calling AWS')
        .choices(TEMPLATES)
        .conflicts(['leases', 'dryRun', 'json']),
    )
    .option('--json', 'print what was done as JSON', false)
    .action(async (module: string, { consumer, file, leases, dryRun, print, json }: ProvisionFlags) => {
      const request = { module, cwd: terminal.cwd, consumer, propertiesFile: file };
      const commands = await import('./provision-command.js');
      if (print === undefined) await commands.provisionTables({ ...request, leases, dryRun, json }, terminal);
      else await commands.printTemplate({ ...request, kind: print }, terminal);
    });
  program
    .command('iam')
    .argument('<module>', MODULE)
    .summary('print the least IAM policy that the daemon runs with')
    .description(
      'Prints a policy as JSON: what KCL 3.1.3 calls with the properties of these consumers, on their stream and tables alone, and what their dead-letter sinks write. What a reader must know beside it goes to standard error.',
    )
    .option('--consumer <name>', CONSUMER)
    .option('--file <file>', PROPERTIES_FILE)
    .option('--account <id>', "default: the account of the stream's ARN, or a placeholder", readAccount)
    .option('--region <region>', 'default: regionName, AWS_REGION, or a placeholder')
    .option('--provisioned', 'the tables exist with their index (millrace provision): without CreateTable', false)
    .action(async (module: string, { consumer, file, account, region, provisioned }: IamFlags) => {
      const { printPolicy } = await import('./iam-command.js');
      const request = { module, cwd: terminal.cwd, consumer, propertiesFile: file };
      await printPolicy({ ...request, account, region, provisioned }, terminal);
    });
}

function readAccount(text: string): string {
  if (!/^\d{12}$/.test(text)) throw new InvalidArgumentError('Give the 12 digits of an AWS account.');
  return text;
}
