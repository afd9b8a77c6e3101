/** How a Millrace process ends; docs/local-development.md prints this table. */
import { isMillraceError, type ErrorCode } from './errors.js';

export const EXIT_CODES = {
  /** Ended as asked: SIGTERM, SIGINT, or the end of the session of a `stdio` child. */
  ok: 0,
  /** Failed: the stream, the network, the checkpoint store, a defect. */
  failed: 1,
  /** The declaration, the configuration or the command line is wrong; starting again changes nothing. */
  wrongUse: 2,
  /** The daemon or a host ended again and again, or could not be started. */
  daemonFailed: 69,
  /** The other side broke the protocol, or the channel to it. */
  protocol: 70,
  /** A handler or the retry policy asked for the end (`StopWorkerError`, `then: 'stop'`); starting again may help. */
  stopRequested: 75,
  /** The lease was lost and the daemon kept sending batches for a minute; starting again mends that. */
  leaseLost: 76,
  /** A second SIGINT did not wait for the end. */
  forcedByInterrupt: 130,
  /** A second SIGTERM did not wait for the end. */
  forcedByTerminate: 143,
} as const;

export type ExitCode = (typeof EXIT_CODES)[keyof typeof EXIT_CODES];

const CODE_OF: { readonly [K in ErrorCode]?: ExitCode } = {
  ENGINE_UNAVAILABLE: EXIT_CODES.wrongUse,
  ENGINE_REFUSED: EXIT_CODES.wrongUse,
  INPUT_INVALID: EXIT_CODES.wrongUse,
  MODULE_NOT_LOADED: EXIT_CODES.wrongUse,
  METADATA_MISSING: EXIT_CODES.wrongUse,
  INJECTION_FAILED: EXIT_CODES.wrongUse,
  DEFINITION_INVALID: EXIT_CODES.wrongUse,
  CONFIGURATION_INVALID: EXIT_CODES.wrongUse,
  JARS_MISSING: EXIT_CODES.wrongUse,
  JAR_REFUSED: EXIT_CODES.wrongUse,
  JAR_LOCK_INVALID: EXIT_CODES.wrongUse,
  JAVA_UNUSABLE: EXIT_CODES.wrongUse,
  HEALTH_PORT_FAILED: EXIT_CODES.wrongUse,
  DAEMON_FAILED: EXIT_CODES.daemonFailed,
  HOST_FAILED: EXIT_CODES.daemonFailed,
  PROTOCOL_VIOLATION: EXIT_CODES.protocol,
  LINE_TOO_LONG: EXIT_CODES.protocol,
  TRANSPORT_FAILED: EXIT_CODES.protocol,
  STOP_WORKER: EXIT_CODES.stopRequested,
  LEASE_LOST: EXIT_CODES.leaseLost,
  DEPENDENCY_MISSING: EXIT_CODES.wrongUse,
};

/** The code of a process that ends with this error. */
export function exitCodeOf(error: unknown): ExitCode {
  return isMillraceError(error) ? (CODE_OF[error.code] ?? EXIT_CODES.failed) : EXIT_CODES.failed;
}
