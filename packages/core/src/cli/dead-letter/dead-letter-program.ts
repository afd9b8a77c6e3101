/** The options of `millrace dead-letter`. */
import { InvalidArgumentError, Option, type Command } from 'commander';
import { systemClock } from '../../process-ports.js';
import { CONSUMER, MODULE, PROPERTIES_FILE } from '../module-options.js';
import { readCount, readEndpoint } from '../read-options.js';
import type { Terminal } from '../terminal.js';
import type { PlaceFlags, SourceRequest } from './choose-sources.js';
import { parseMoment, type EntryFilter } from './entry-filter.js';

type Finish = (exitCode: number) => void;

interface SourceFlags extends PlaceFlags {
  readonly consumer?: string;
  readonly json: boolean;
}

interface FilterFlags extends EntryFilter {
  readonly limit?: number;
}

export function addDeadLetterCommands(program: Command, terminal: Terminal, finish: Finish): void {
  const command = program
    .command('dead-letter')
    .summary('parked records: list, show, replay, drop')
    .description(
      'Works on what a dead-letter sink has parked: files and S3 as a whole, SQS in the order in which the queue gives it. A Kinesis stream, a function or a sink behind an injection token is only written. All of it is safe beside running consumers.',
    );
  addList(command, terminal);
  addShow(command, terminal);
  addReplay(command, terminal, finish);
  addDrop(command, terminal, finish);
}

function addList(parent: Command, terminal: Terminal): void {
  const command = parent
    .command('ls')
    .argument('[module]', MODULE)
    .summary('list parked records')
    .description(
      'Lists parked records and why they are there, without their payloads. A queue shows a sample; nothing is consumed.',
    );
  withFilters(withPlaces(command))
    .option('--json', 'print an object a line', false)
    .action(async (module: string | undefined, flags: SourceFlags & FilterFlags) => {
      const { listParked } = await import('./look-commands.js');
      const request = { ...sourceOf(module, flags), filter: filterOf(flags), limit: flags.limit, json: flags.json };
      await listParked(request, terminal);
    });
}

function addShow(parent: Command, terminal: Terminal): void {
  const command = parent
    .command('show')
    .argument('<id>', 'shard:sequence:sub-sequence, as `ls` prints it')
    .argument('[module]', MODULE)
    .summary('print all of a parked record')
    .description(
      'Prints coordinates, causes with their stacks, and the payload: as text, or as base64 where it is none.',
    );
  withPlaces(command)
    .option('--json', 'print it as it is stored, on one line', false)
    .action(async (id: string, module: string | undefined, flags: SourceFlags) => {
      const { showParked } = await import('./look-commands.js');
      await showParked({ ...sourceOf(module, flags), id, json: flags.json }, terminal);
    });
}

interface ReplayFlags extends SourceFlags, FilterFlags {
  readonly file?: string;
  readonly dryRun: boolean;
}

function addReplay(parent: Command, terminal: Terminal, finish: Finish): void {
  const command = parent
    .command('replay')
    .argument('<module>', MODULE)
    .summary('run parked records again through their consumer')
    .description(
      'Runs parked records through the same decoding, validation, handlers and retries, by shard and in order; `context.replayed` is true and checkpoints store nothing. What succeeds is removed, what fails again stays. Killed at any moment it loses nothing; what had just succeeded may run again.',
    );
  withFilters(withPlaces(command))
    .option('--file <file>', PROPERTIES_FILE)
    .option('--dry-run', 'decode and validate only: call no handler, remove nothing', false)
    .option('--json', 'print an object for each record, then the counts', false)
    .action(async (module: string, flags: ReplayFlags) => {
      const { replayParked } = await import('./replay-command.js');
      const { file: propertiesFile, limit, dryRun, json } = flags;
      const request = {
        ...sourceOf(module, flags),
        module,
        propertiesFile,
        filter: filterOf(flags),
        limit,
        dryRun,
        json,
      };
      finish(await replayParked(request, terminal));
    });
}

interface DropFlags extends SourceFlags, FilterFlags {
  readonly all: boolean;
  readonly yes: boolean;
}

function addDrop(parent: Command, terminal: Terminal, finish: Finish): void {
  const command = parent
    .command('drop')
    .argument('[module]', MODULE)
    .summary('remove parked records for good, without running them')
    .description('Removes the parked records that the filters choose. Look with `ls` and the same filters first.');
  withFilters(withPlaces(command))
    .addOption(new Option('--all', 'every record, without a filter').default(false))
    .option('--yes', 'really: they are gone for good', false)
    .option('--json', 'print an object for each record', false)
    .action(async (module: string | undefined, flags: DropFlags) => {
      const { dropParked } = await import('./drop-command.js');
      const { limit, all, yes, json } = flags;
      finish(
        await dropParked({ ...sourceOf(module, flags), filter: filterOf(flags), limit, all, yes, json }, terminal),
      );
    });
}

function withPlaces(command: Command): Command {
  return command
    .option('--directory <directory>', "of a file sink; default: what the module's consumers describe")
    .option('--s3 <bucket/prefix>', 'of an S3 sink')
    .option('--sqs <url>', 'of an SQS queue')
    .option('--region <region>', 'of the bucket or the queue; default: as the AWS SDK finds it')
    .option('--endpoint <url>', 'of an emulator or a private endpoint', readEndpoint)
    .option('--consumer <name>', CONSUMER);
}

function withFilters(command: Command): Command {
  return command
    .option('--cause <text>', 'a code or a name in the chain of causes, or a part of a message')
    .option('--handler <name>', 'the handler that failed')
    .option('--key <key>', 'the partition key')
    .option('--id <id>', 'shard:sequence:sub-sequence')
    .option('--since <time>', 'parked at or after: 2026-03-01T10:00Z, or an age such as 90m, 2h, 3d', readMoment)
    .option('--until <time>', 'parked before', readMoment)
    .option('--limit <n>', 'at most so many records', readCount);
}

function sourceOf(module: string | undefined, flags: SourceFlags): SourceRequest {
  return { module, consumer: flags.consumer, places: flags };
}

function filterOf({ cause, handler, key, id, since, until }: EntryFilter): EntryFilter {
  return Object.fromEntries(
    Object.entries({ cause, handler, key, id, since, until }).filter(([, value]) => value !== undefined),
  );
}

function readMoment(text: string): number {
  const moment = parseMoment(text, systemClock.now());
  if (moment === undefined)
    throw new InvalidArgumentError('Give a time such as 2026-03-01T10:00Z, or an age such as 90m, 2h or 3d.');
  return moment;
}
