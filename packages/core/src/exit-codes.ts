/** How a Millrace process ends; docs/local-development.md prints this table. */
import { ConfigurationError, DefinitionError, isMillraceError } from './errors.js';

export const EXIT_CODES = {
  /** Ended as asked: SIGTERM, SIGINT, or the end of the session of a `stdio` child. */
  ok: 0,
  /** Failed: the stream, the network, the checkpoint store, a defect. */
  failed: 1,
  /** The declaration, the configuration or the command line is wrong; starting again changes nothing. */
  wrongUse: 2,
  /** The other side broke the protocol, or the channel to it. */
  protocol: 70,
  /** A handler or the retry policy asked for the end (`StopWorkerError`, `then: 'stop'`); starting again may help. */
  stopRequested: 75,
  /** A second SIGINT did not wait for the end. */
  forcedByInterrupt: 130,
  /** A second SIGTERM did not wait for the end. */
  forcedByTerminate: 143,
} as const;

export type ExitCode = (typeof EXIT_CODES)[keyof typeof EXIT_CODES];

/** The code of a process that ends with this error. */
export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof DefinitionError || error instanceof ConfigurationError) return EXIT_CODES.wrongUse;
  if (!isMillraceError(error)) return EXIT_CODES.failed;
  switch (error.code) {
    case 'ENGINE_UNAVAILABLE':
    case 'ENGINE_REFUSED':
    case 'INPUT_INVALID':
    case 'MODULE_NOT_LOADED':
      return EXIT_CODES.wrongUse;
    case 'PROTOCOL_VIOLATION':
    case 'LINE_TOO_LONG':
    case 'TRANSPORT_FAILED':
      return EXIT_CODES.protocol;
    case 'STOP_WORKER':
      return EXIT_CODES.stopRequested;
    default:
      return EXIT_CODES.failed;
  }
}
