/**
 * Every error Millrace throws. Branch on `code`, never on the text: texts get better, codes stay.
 * `ERROR_CODES` is the catalogue: docs/errors.md is generated from it and a test compares the two.
 */

export const ERROR_CODES = {
  // what users throw to steer
  NON_RETRYABLE: 'The handler says that running the record again cannot help.',
  RETRY_LATER: 'The handler asks for its next attempt after a delay of its own.',
  STOP_WORKER: 'The handler asks the whole worker to stop.',
  // declaring a consumer
  DEFINITION_INVALID: 'A consumer is declared wrongly; `issues` lists every mistake with a code of its own.',
  METADATA_MISSING: 'A constructor parameter cannot be injected because its type was not recorded.',
  INJECTION_FAILED: 'The container cannot build the consumer or one of its dependencies.',
  SCOPE_FAILED: 'The scope of a shard could not be opened or disposed.',
  // configuration
  CONFIGURATION_INVALID: 'Options or properties are wrong; `issues` lists every mistake with a code of its own.',
  DEPENDENCY_MISSING: 'An optional package is needed for what was asked and is not installed.',
  // records
  DECODE_FAILED: 'The bytes of a record are not what the handler expects.',
  VALIDATION_FAILED: 'A decoded record does not fit its schema.',
  NO_HANDLER_MATCHED: 'No handler of the consumer takes this record.',
  HANDLER_FAILED: 'A handler threw something that is not an error, or failed outside its own call.',
  HANDLER_TIMEOUT: 'A handler ran longer than its timeoutMs.',
  HANDLER_RETURNED_VALUE: 'A batch handler returned a value; failed items are marked with item.fail(error).',
  EXIT_INTERCEPTED: 'A handler called process.exit.',
  RECORD_TOO_OLD: 'A failed record is older than maxRecordAgeMs.',
  LANE_KEY_FAILED: 'The key that orders a record threw, or gave something that is no text.',
  CIRCUIT_OPEN: 'The circuit breaker of the consumer is open, so no handler starts.',
  SUSPECT_RECORD: 'The process died again and again with this record in flight, so it is not run any more.',
  KEY_PARKED: 'An earlier record of this key was parked and the consumer holds its successors.',
  CONTEXT_EXPIRED: 'A record context was used after its record was given up.',
  MIDDLEWARE_MISUSED: 'A middleware did not call next() exactly once, or an idempotent handler deferred its record.',
  IDEMPOTENCY_FAILED: 'The idempotency store did not answer, or the key of a record is none.',
  RECORD_IN_PROGRESS: 'Somebody else is handling a record with the same idempotency key.',
  // checkpoints
  CHECKPOINT_REJECTED: 'A checkpoint was asked for at a moment or a position where none is allowed.',
  CHECKPOINT_FAILED: 'The daemon could not write a checkpoint.',
  LEASE_LOST: 'This worker does not own the shard any more.',
  // wire
  PROTOCOL_VIOLATION: 'The other side of the protocol sent something it must not send.',
  LINE_TOO_LONG: 'A line of the protocol is longer than the limit.',
  TRANSPORT_FAILED: 'The channel to the daemon broke.',
  // dead letters
  SINK_FAILED: 'The dead-letter sink did not take a record.',
  REPLAY_FAILED: 'Parked records cannot be read back, run again or removed.',
  // running
  ENGINE_UNAVAILABLE: 'The engine that was asked for cannot run here.',
  ENGINE_REFUSED: 'The local engine refuses to run where it would read every shard in every replica.',
  STREAM_NOT_FOUND: 'The stream does not exist in this account and region.',
  ENDPOINT_UNREACHABLE: 'Kinesis or DynamoDB cannot be reached.',
  CREDENTIALS_MISSING: 'No AWS credentials were found.',
  SOURCE_FAILED: 'Reading the stream failed in a way that trying again does not mend.',
  CHECKPOINT_STORE_FAILED: 'The checkpoint file cannot be read, written or locked.',
  EMULATOR_FAILED: 'The embedded Kinesis did not start.',
  MODULE_NOT_LOADED: 'The module given on the command line cannot be loaded, or exports no consumer.',
  WORKER_STOPPED: 'The worker has stopped or is stopping.',
  INPUT_INVALID: 'Input given to a command cannot be used.',
  PUT_FAILED: 'Records that a command sent were refused until the end.',
  // operating
  WORKER_NOT_FOUND: 'No worker that this user can ask runs on this machine.',
  RECORD_NOT_HELD: 'A record that an operator has named is not held by any running worker.',
  ORDER_REFUSED: 'A worker does not do with a record what an operator wants.',
  // provisioning
  TABLE_WRONG: 'A table exists under the name of one that the application needs, and is another.',
  LEASES_REFUSED: 'The first leases cannot be written whole, or a worker runs.',
  PROVISION_FAILED: 'DynamoDB refused what provisioning needs.',
  // the daemon's jars
  JARS_MISSING: 'The jars of the daemon are not in the store, or not all of them.',
  JAR_REFUSED: 'A jar is truncated, changed, another one, or on no list.',
  JAR_LOCK_INVALID: 'A list of jars cannot be read or is none.',
  DOWNLOAD_FAILED: 'A file could not be downloaded or stored.',
  ARCHIVE_FAILED: "The archive of the daemon's classes could not be made.",
  // the daemon itself
  JAVA_UNUSABLE: 'No Java was found, or one that cannot run the daemon.',
  DAEMON_FAILED: 'The daemon could not be started, or ended again and again without being asked.',
  HOST_FAILED: 'A process that serves shards could not be started, or ended again and again.',
  ACCESS_DENIED: 'AWS refuses a call that the daemon needs.',
  COORDINATION_FAILED: 'The lease or coordinator table cannot be read or written.',
  HEALTH_PORT_FAILED: 'The port for health and metrics cannot be listened on.',
  // testing
  TEST_MISUSED: 'A test bed was asked for something that it cannot do or that would prove nothing.',
  TEST_NOT_IDLE: 'A test bed did not come to rest.',
  NOT_REPLAY_SAFE: 'A consumer that died and started anew left another world behind than one that did not.',
  EXPLORATION_FAILED: 'A consumer failed in a plan of deliveries and faults that was drawn at random.',
  EXPECTATION_FAILED: 'A matcher of the testing package does not hold.',
  INVARIANT_VIOLATED: 'What happened in a test bed breaks a guarantee of Millrace.',
} as const;

export type ErrorCode = keyof typeof ERROR_CODES;

export interface MillraceErrorOptions {
  readonly details?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/** The base of every error Millrace throws: a stable `code`, facts in `details`, and a message that says what to do. */
export class MillraceError extends Error {
  readonly code: ErrorCode;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, options: MillraceErrorOptions = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.name = new.target.name;
    this.code = code;
    this.details = options.details ?? {};
  }
}

/** One mistake in a declaration or a configuration: its own code, where it is, and how to mend it (all in `message`). */
export interface Issue {
  readonly code: string;
  readonly message: string;
  /** The class, member, property or file that the mistake is in, most general first. */
  readonly path: readonly string[];
}

/** A consumer is declared wrongly. Holds all mistakes at once. */
export class DefinitionError extends MillraceError {
  readonly issues: readonly Issue[];

  constructor(issues: readonly Issue[]) {
    super('DEFINITION_INVALID', listIssues('The consumer is declared wrongly', issues), { details: { issues } });
    this.issues = issues;
  }
}

/** Options, properties or environment are wrong. Holds all mistakes at once. */
export class ConfigurationError extends MillraceError {
  readonly issues: readonly Issue[];

  constructor(issues: readonly Issue[]) {
    super('CONFIGURATION_INVALID', listIssues('The configuration is wrong', issues), { details: { issues } });
    this.issues = issues;
  }
}

/** Throw it from a handler when running the record again cannot help: it is parked, held, skipped or stops the worker at once. */
export class NonRetryableError extends MillraceError {
  constructor(message: string, options: MillraceErrorOptions = {}) {
    super('NON_RETRYABLE', message, options);
  }
}

/** Throw it from a handler to choose the delay before the next attempt, for example from a Retry-After header. */
export class RetryLaterError extends MillraceError {
  readonly delayMs: number;

  /** @param delayMs - milliseconds until the next attempt; it counts as an attempt like any other. */
  constructor(
    delayMs: number,
    message = `The handler asks to run again in ${delayMs} ms.`,
    options: MillraceErrorOptions = {},
  ) {
    super('RETRY_LATER', message, { ...options, details: { ...options.details, delayMs } });
    this.delayMs = delayMs;
  }
}

/** Somebody else holds the record's idempotency key: it waits, and the wait is no attempt. */
export class RecordInProgressError extends MillraceError {
  readonly delayMs: number;

  constructor(delayMs: number, recordId: string) {
    const message = `Another run holds the idempotency key of record ${recordId}; it is looked at again in ${delayMs} ms.`;
    super('RECORD_IN_PROGRESS', message, { details: { recordId, delayMs } });
    this.delayMs = delayMs;
  }
}

/** Throw it from a handler to end the worker in order: the record stays unsettled and is delivered again after the next start. */
export class StopWorkerError extends MillraceError {
  constructor(message: string, options: MillraceErrorOptions = {}) {
    super('STOP_WORKER', message, options);
  }
}

export function isMillraceError(value: unknown, code?: ErrorCode): value is MillraceError {
  return value instanceof MillraceError && (code === undefined || value.code === code);
}

/** Whatever user code threw, as an Error; anything else than an Error is wrapped so that it has a message and a stack. */
export function toError(thrown: unknown): Error {
  if (thrown instanceof Error) return thrown;
  return new MillraceError('HANDLER_FAILED', `A value that is not an Error was thrown: ${describeValue(thrown)}`, {
    cause: thrown,
  });
}

function describeValue(value: unknown): string {
  try {
    return (typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value))).slice(0, 200);
  } catch {
    // A value that cannot even be serialised still deserves a name.
    return Object.prototype.toString.call(value);
  }
}

function listIssues(headline: string, issues: readonly Issue[]): string {
  const lines = issues.map((issue) => `  - [${issue.code}] ${issue.message}`);
  return `${headline} (${issues.length} ${issues.length === 1 ? 'mistake' : 'mistakes'}):\n${lines.join('\n')}`;
}
