/** `run`: a worker as the whole program. Signals end it in order, errors that nobody awaits are contained, the exit code says how it ended. */
import { refuseDuringImport } from './command-import.js';
import { containErrors } from './containment.js';
import { createWorker } from './create-worker.js';
import { isMillraceError } from './errors.js';
import { EXIT_CODES, exitCodeOf, type ExitCode } from './exit-codes.js';
import { formatError } from './format-error.js';
import type { Logger } from './ports.js';
import { stderrLogger, systemClock } from './process-ports.js';
import { interceptExit } from './transport/stdout-guard.js';
import type { Consumer, Worker, WorkerOptions } from './worker-options.js';

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
  let code: ExitCode;
  try {
    code = await serve(createWorker(consumers, { ...options, logger }), logger, exit);
  } catch (error) {
    process.stderr.write(formatError(error, (options.env ?? process.env)['MILLRACE_DEBUG'] === '1'));
    code = exitCodeOf(error);
  }
  guard.restore();
  return exit(code);
}

async function serve(worker: Worker, logger: Logger, exit: (code: number) => never): Promise<ExitCode> {
  const release = containErrors({ clock: systemClock, logger, requestStop: (cause) => stopWith(cause) });
  let cause: Error | undefined;
  const stopWith = (error: Error): void => {
    cause ??= error;
    void worker.stop();
  };
  const forget = onStopSignals(worker, logger, exit);
  try {
    await worker.start();
    const outcome = await worker.closed;
    const failure = outcome.kind === 'failed' ? outcome.error : cause;
    if (failure === undefined) return EXIT_CODES.ok;
    logger.error({ err: failure }, `The worker ended: ${failure.message}`);
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

/** The first signal stops in order, the second does not wait. */
function onStopSignals(worker: Worker, logger: Logger, exit: (code: number) => never): () => void {
  let asked = false;
  const stop = (signal: 'SIGTERM' | 'SIGINT'): void => {
    if (asked) exit(signal === 'SIGINT' ? EXIT_CODES.forcedByInterrupt : EXIT_CODES.forcedByTerminate);
    asked = true;
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
  return () => {
    process.off('SIGTERM', onTerm);
    process.off('SIGINT', onInt);
  };
}

function isConsumer(value: Consumer | WorkerOptions | undefined): value is Consumer {
  return typeof value === 'function' || (typeof value === 'object' && 'handlers' in value);
}
