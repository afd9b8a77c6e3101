/** The options of `millrace put`. */
import { InvalidArgumentError, Option, type Command } from 'commander';
import { EXIT_CODES } from '../../exit-codes.js';
import { systemClock } from '../../process-ports.js';
import { readCount, readEndpoint, readRate } from '../read-options.js';
import type { Terminal } from '../terminal.js';
import { parseKeyRule, type KeyRule } from './record-key.js';
import type { RecordSource } from './record-sources.js';

interface PutFlags {
  readonly endpoint?: string;
  readonly region?: string;
  readonly file?: string;
  readonly stdin?: boolean;
  readonly pattern?: string;
  readonly count: number;
  readonly rate?: number;
  readonly key: KeyRule;
  readonly raw: boolean;
  readonly json: boolean;
}

export function addPutCommand(program: Command, terminal: Terminal, finish: (exitCode: number) => void): void {
  const command: Command = program
    .command('put')
    .argument('<stream>', 'name or ARN')
    .summary('send records to a stream')
    .description(
      'Sends JSON records to a stream and sends refused ones again. A file is checked to its end before anything is sent. Without an endpoint it writes to AWS.',
    )
    .addOption(new Option('--file <file>', 'one record a line').conflicts(['stdin', 'pattern']))
    .addOption(new Option('--stdin', 'one record a line, sent as they come').conflicts(['file', 'pattern']))
    .addOption(
      new Option('--pattern <text>', 'records from a text with {{n}}, {{uuid}}, {{now}}').conflicts(['file', 'stdin']),
    )
    .option('--count <n>', 'how many records to make of the pattern', readCount, 1)
    .option('--rate <n>', 'records per second; default: as fast as possible', readRate)
    .addOption(
      new Option('--key <rule>', 'partition key: random, field:<path> of the JSON, or literal:<text>')
        .argParser(readKey)
        .default({ kind: 'random' } satisfies KeyRule, 'random'),
    )
    .option('--raw', 'send lines as they are, JSON or not', false)
    .addOption(
      new Option('--endpoint <url>', 'as `millrace dev` prints it')
        .argParser(readEndpoint)
        .env('MILLRACE_KINESIS_ENDPOINT'),
    )
    .addOption(
      new Option('--region <region>', 'default: AWS_REGION, then us-east-1 on this machine').env(
        'MILLRACE_REGION_NAME',
      ),
    )
    .option('--json', 'print the counts as JSON', false);
  command.action(async (stream: string, flags: PutFlags) => {
    const source = sourceOf(flags, process.stdin);
    if (source === undefined) {
      command.error('error: nothing to send: give --file, --stdin or --pattern', {
        exitCode: EXIT_CODES.wrongUse,
      });
    }
    finish(await put(stream, source, { flags, terminal }));
  });
}

async function put(
  stream: string,
  source: RecordSource,
  { flags, terminal }: { flags: PutFlags; terminal: Terminal },
): Promise<number> {
  const { putRecords } = await import('./put-command.js');
  const { key, raw, rate: ratePerSecond, endpoint, region, json } = flags;
  const interrupted = new AbortController();
  const onInterrupt = (): void => interrupted.abort();
  process.once('SIGINT', onInterrupt);
  try {
    const request = { stream, source, key, raw, ratePerSecond, endpoint, region, json };
    return await putRecords(request, { terminal, clock: systemClock, random: Math.random, signal: interrupted.signal });
  } finally {
    process.off('SIGINT', onInterrupt);
  }
}

function sourceOf(
  flags: Pick<PutFlags, 'file' | 'stdin' | 'pattern' | 'count'>,
  stdin: AsyncIterable<Uint8Array>,
): RecordSource | undefined {
  if (flags.file !== undefined) return { kind: 'file', file: flags.file };
  if (flags.stdin === true) return { kind: 'stdin', stdin };
  return flags.pattern === undefined ? undefined : { kind: 'pattern', pattern: flags.pattern, count: flags.count };
}

function readKey(text: string): KeyRule {
  const rule = parseKeyRule(text);
  if (rule === undefined) {
    throw new InvalidArgumentError(
      'Give random, field:<path> (field:customer.id), or literal:<text> of 1 to 256 characters.',
    );
  }
  return rule;
}
