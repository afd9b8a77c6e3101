/** The control socket of a worker, which can do without it. */
import type { ControlOptions, ControlServer } from './control/control-server.js';
import { toError } from './errors.js';

/** Undefined where there is none: on Windows, and where no private folder can be made. */
export async function openControlSocket(options: ControlOptions): Promise<ControlServer | undefined> {
  const { logger } = options;
  if (process.platform === 'win32') return undefined;
  try {
    const { openControl } = await import('./control/control-server.js');
    const server = await openControl(options);
    logger.debug({ path: server.path }, 'The control socket is open.');
    return server;
  } catch (error) {
    logger.warn(
      { err: toError(error) },
      `This worker cannot be asked by millrace status, retry, park and skip: ${toError(error).message}`,
    );
    return undefined;
  }
}
