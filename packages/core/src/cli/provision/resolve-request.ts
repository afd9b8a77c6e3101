/** The consumers of a module as the daemon would see them. */
import type { ResolvedConsumer } from '../../config/resolved.js';
import { readDefinitions, resolveConsumers } from '../../resolve-consumers.js';
import { redirectStdout } from '../../transport/stdout-guard.js';
import { loadConsumers, type LoadRequest } from '../load-consumers.js';
import type { Terminal } from '../terminal.js';

export interface ResolveRequest extends LoadRequest {
  /** A properties file of the user's, weaker than variables and stronger than the declaration. */
  readonly propertiesFile: string | undefined;
}

/** @throws DefinitionError, ConfigurationError with every mistake of every consumer at once. */
export async function resolveRequest(
  request: ResolveRequest,
  terminal: Terminal,
): Promise<readonly ResolvedConsumer[]> {
  // Standard output is for what was asked for alone, whatever the module prints while it is imported.
  const guard = redirectStdout();
  const { consumers } = await loadConsumers(request).finally(() => guard.restore());
  const options = request.propertiesFile === undefined ? {} : { propertiesFile: request.propertiesFile };
  return resolveConsumers(readDefinitions(consumers), options, { env: terminal.env, engine: 'daemon' });
}
