/** `millrace run`: a program without a main.ts. */
import { run } from '../run.js';
import { redirectStdout } from '../transport/stdout-guard.js';
import type { Consumer, Engine, WorkerOptions } from '../worker-options.js';
import { loadConsumers, type LoadRequest } from './load-consumers.js';

export interface RunRequest extends LoadRequest {
  /** Undefined: the variable MILLRACE_ENGINE. */
  readonly engine: Engine | undefined;
  readonly propertiesFile: string | undefined;
}

/** Ends the process itself, with a code of the table; rejects only for a module that cannot be loaded. */
export async function runModule(request: RunRequest): Promise<never> {
  // Standard output may be the daemon's already, and a module that prints while it is imported would break the protocol.
  const guard = redirectStdout();
  const { consumers, register } = await loadConsumers(request).finally(() => guard.restore());
  const options: WorkerOptions = {
    ...(request.engine === undefined ? {} : { engine: request.engine }),
    ...(request.propertiesFile === undefined ? {} : { propertiesFile: request.propertiesFile }),
    ...(register === undefined ? {} : { register }),
  };
  const [first, ...others] = consumers as readonly [Consumer, ...Consumer[]];
  return run(first, ...others, options);
}
