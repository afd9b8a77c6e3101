/** What `millrace --help` says beside the list of commands. */
import { EXIT_CODES, type ExitCode } from '../exit-codes.js';

const EXIT_CODE_MEANINGS: Readonly<Record<ExitCode, string>> = {
  [EXIT_CODES.ok]: 'ended as asked',
  [EXIT_CODES.failed]: 'failed: the stream, the network, the checkpoint file, a defect',
  [EXIT_CODES.wrongUse]: 'wrong command line, configuration or declaration; starting again changes nothing',
  [EXIT_CODES.daemonFailed]: 'the daemon or a host could not be started, or ended again and again',
  [EXIT_CODES.protocol]: 'the daemon broke the protocol, or the channel to it',
  [EXIT_CODES.stopRequested]: 'a handler or the retry policy asked for the end',
  [EXIT_CODES.leaseLost]: 'the lease was lost and batches kept coming; starting again mends it',
  [EXIT_CODES.forcedByInterrupt]: 'ended at once by a second Ctrl-C; for `put`, ended by Ctrl-C',
  [EXIT_CODES.forcedByTerminate]: 'ended at once by a second SIGTERM',
};

export const VARIABLES: readonly (readonly [name: string, meaning: string])[] = [
  ['MILLRACE_ENGINE', 'the engine of `run`: daemon (default), local, stdio or aws-kcl'],
  ['MILLRACE_JAVA, MILLRACE_JAVA_FLAGS', 'the Java of the daemon, and more flags for it'],
  ['MILLRACE_DAEMON_LOG', "levels of the daemon's loggers: root=INFO,software.amazon.kinesis=DEBUG"],
  ['MILLRACE_<PROPERTY>', 'any property: MILLRACE_STREAM_NAME, MILLRACE_KINESIS_ENDPOINT, ...'],
  ['MILLRACE_<APPLICATION>_<PROPERTY>', 'the same for one of several consumers'],
  ['MILLRACE_LOG_LEVEL', 'trace, debug, info (default), warn, error, silent'],
  ['MILLRACE_HEALTH_PORT', 'a port for probes, health and metrics; 0 takes a free one'],
  ['MILLRACE_LOCAL_IN_PRODUCTION', '1 lets the local engine run with NODE_ENV=production'],
  ['MILLRACE_STOP_TIMEOUT', 'seconds that your platform waits before it kills, for `doctor`'],
  ['MILLRACE_DEBUG', '1 prints the stack of errors, like --verbose'],
  ['AWS_REGION, AWS_PROFILE, AWS_ACCESS_KEY_ID, ...', 'as every AWS SDK reads them'],
  ['NO_COLOR', 'no colours in the live view'],
];

export function helpFooter(): string {
  return [
    '',
    'Examples:',
    '  $ millrace dev src/order-mailer.ts',
    '  $ millrace dev --daemon src/order-mailer.ts',
    `  $ millrace put orders --endpoint http://127.0.0.1:4568 --pattern '{"id":"{{n}}"}' --count 100`,
    '  $ millrace properties src/order-mailer.ts',
    '  $ millrace provision dist/order-mailer.js --leases',
    '  $ millrace dead-letter replay dist/order-mailer.js --cause HANDLER_TIMEOUT',
    '  $ millrace jars fetch',
    '  $ millrace doctor dist/order-mailer.js',
    '  $ millrace status',
    '  $ MILLRACE_ENGINE=local millrace run dist/order-mailer.js',
    '',
    'Environment variables:',
    ...columns(VARIABLES),
    '',
    'Exit codes:',
    ...columns(Object.entries(EXIT_CODE_MEANINGS)),
  ].join('\n');
}

function columns(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, meaning]) => `  ${name.padEnd(width)}  ${meaning}`);
}
