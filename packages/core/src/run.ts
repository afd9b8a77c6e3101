/** `run`: a worker as the whole program. Signals end it in order, errors that nobody awaits are contained, the exit code says how it ended. */
import { refuseDuringImport } from './command-import.js';
import { containErrors } from './containment.js';
import { composeWorker } from './create-worker.js';
import { isMillraceError, MillraceError, toError } from './errors.js';
import { EXIT_CODES, exitCodeOf, type ExitCode } from './exit-codes.js';
import { formatError } from './format-error.js';
import { connectHostLink, type HostLink } from './host/host-link.js';
import type { Logger } from './ports.js';
import { stderrLogger, systemClock } from './process-ports.js';
import { processRole } from './process-role.js';
import { plainError } from './runtime/plain-event.js';
import { interceptExit } from './transport/stdout-guard.js';
import type { Consumer, Worker, WorkerOptions } from './worker-options.js';
import { supervisorOf, type WorkerPart } from './worker-part.js';

/**
 * Runs consumers until the process is asked to end: `await run(OrderMailer)`, `await run(A, B, { register })`.
 *
 * SIGTERM and SIGINT end it in order, a second one at once. It ends the process itself, with a code of EXIT_CODES; a
 * mistake in a declaration or in the configuration is printed with everything that is wrong, code 2.
 */
export function run(...consumersAndOptions: [...Consumer[], Consumer | WorkerOptions]): Promise<never> {
  refuseDuringImport();
  const last = consumersAndOptions.at(-1);
  const options: WorkerOptions = isConsumer(last) || last === undefined ? {} : last;
  const consumers = consumersAndOptions.filter(isConsumer);
  return runProcess(consumers, options);
}

async function runProcess(consumers: readonly Consumer[], options: WorkerOptions): Promise<never> {
  const exit = process.exit.bind(process);
  const logger = options.logger ?? stderrLogger(options.env ?? process.env);
  const guard = interceptExit();
  const code = await servePart(consumers, { ...options, logger }, { logger, exit });
  guard.restore();
  return exit(code);
}

interface Surroundings {
  readonly logger: Logger;
  readonly exit: (code: number) => never;
}

async function servePart(
  consumers: readonly Consumer[],
  options: WorkerOptions,
  surroundings: Surroundings,
): Promise<ExitCode> {
  let supervisor: HostLink | undefined;
  try {
    const part = await takePart();
    supervisor = supervisorOf(part);
    if (supervisor !== undefined) endWithSupervisor(supervisor, surroundings.exit);
    return await serve(composeWorker(consumers, options, part), supervisor, surroundings);
  } catch (error) {
    const text = formatError(error, (options.env ?? process.env)['MILLRACE_DEBUG'] === '1');
    // A part of a worker tells its supervisor, which prints it for all of them.
    if (supervisor === undefined) process.stderr.write(text);
    else supervisor.tell({ kind: 'failed', error: plainError(toError(error)), text });
    return exitCodeOf(error);
  }
}

/** What this process was started as. */
async function takePart(): Promise<WorkerPart> {
  switch (processRole.kind) {
    case 'first':
      return { kind: 'supervisor' };
    case 'astray':
      // Another worker in its place would start the next one.
      throw new MillraceError(
        'HOST_FAILED',
        'This process was started to look something up, and runs the program instead.',
      );
    case 'host': {
      const { link: path, name } = processRole;
      return { kind: 'host', link: await connectHostLink({ path, role: 'host', name }) };
    }
    case 'child': {
      const { link: path, applicationName } = processRole;
      const sessionId = `${applicationName}#${process.pid}`;
      const link = await connectHostLink({ path, role: 'child', name: sessionId });
      return { kind: 'child', link, applicationName, sessionId };
    }
    default:
      return processRole satisfies never;
  }
}

/** Long enough for handlers to hear of it, and short enough that nothing of ours is left when somebody looks. */
const WITHOUT_SUPERVISOR_MS = 3_000;

function endWithSupervisor({ closed }: HostLink, exit: (code: number) => never): void {
  void closed.then(() => {
    setTimeout(() => exit(EXIT_CODES.failed), WITHOUT_SUPERVISOR_MS).unref();
  });
}

async function serve(
  worker: Worker,
  supervisor: HostLink | undefined,
  { logger, exit }: Surroundings,
): Promise<ExitCode> {
  const release = containErrors({ clock: systemClock, logger, requestStop: (cause) => stopWith(cause) });
  let cause: Error | undefined;
  const stopWith = (error: Error): void => {
    if (supervisor !== undefined) {
      supervisor.tell({ kind: 'stop', error: plainError(error) });
      return;
    }
    cause ??= error;
    void worker.stop();
  };
  // The supervisor alone decides when its parts end, whoever else was sent the signal.
  const forget = supervisor === undefined ? onStopSignals(worker, logger, exit) : ignoreStopSignals();
  try {
    await worker.start();
    const outcome = await worker.closed;
    const failure = outcome.kind === 'failed' ? outcome.error : cause;
    if (failure === undefined) return EXIT_CODES.ok;
    if (supervisor === undefined) logger.error({ err: failure }, `The worker ended: ${failure.message}`);
    return exitCodeOf(failure);
  } catch (error) {
    // Stopped while it started: as asked, unless it was an error that asked.
    if (isMillraceError(error, 'WORKER_STOPPED')) return cause === undefined ? EXIT_CODES.ok : exitCodeOf(cause);
    throw error;
  } finally {
    forget();
    release();
  }
}

const STOP_SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'] as const;

function ignoreStopSignals(): () => void {
  const ignore = (): void => undefined;
  for (const signal of STOP_SIGNALS) process.on(signal, ignore);
  // For the rest of its life: between its last word and its exit a part can still be sent one.
  return () => undefined;
}

/** A Ctrl-C under `npm start` can come twice: from the terminal to all its processes, and passed on by npm. */
const SAME_REQUEST_MS = 1_000;

/** The first signal stops in order, the second does not wait. */
function onStopSignals(worker: Worker, logger: Logger, exit: (code: number) => never): () => void {
  let askedAtMs: number | undefined;
  let over = false;
  const stop = (signal: 'SIGTERM' | 'SIGINT'): void => {
    const nowMs = systemClock.monotonicMs();
    if (askedAtMs !== undefined) {
      if (nowMs - askedAtMs < SAME_REQUEST_MS) return;
      exit(signal === 'SIGINT' ? EXIT_CODES.forcedByInterrupt : EXIT_CODES.forcedByTerminate);
    }
    askedAtMs = nowMs;
    if (over) return;
    logger.info(
      { signal },
      'Stopping: handlers that run may finish, then the checkpoint is written. A second signal does not wait.',
    );
    void worker.stop();
  };
  const onTerm = (): void => stop('SIGTERM');
  const onInt = (): void => stop('SIGINT');
  process.on('SIGTERM', onTerm);
  process.on('SIGINT', onInt);
  // The terminal was closed.
  process.on('SIGHUP', onTerm);
  // They stay for the rest of its life: a signal between the last word of a worker and its exit would take the exit code away.
  return () => void (over = true);
}

function isConsumer(value: Consumer | WorkerOptions | undefined): value is Consumer {
  return typeof value === 'function' || (typeof value === 'object' && 'handlers' in value);
}
