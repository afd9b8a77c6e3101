/** `millrace properties`: what a daemon would be started with, and where each value comes from. */
import { describeProperties, formatProperties } from '../config/explain.js';
import { readDefinitions, resolveConsumers } from '../resolve-consumers.js';
import { redirectStdout } from '../transport/stdout-guard.js';
import { loadConsumers, type LoadRequest } from './load-consumers.js';
import type { Terminal } from './terminal.js';

export interface PropertiesRequest extends LoadRequest {
  /** A properties file of the user's, weaker than variables and stronger than the declaration. */
  readonly propertiesFile: string | undefined;
  readonly json: boolean;
}

/** @throws DefinitionError, ConfigurationError with every mistake of every consumer at once. */
export async function printProperties(request: PropertiesRequest, terminal: Terminal): Promise<void> {
  // Standard output is for the properties alone, whatever the module prints while it is imported.
  const guard = redirectStdout();
  const { consumers } = await loadConsumers(request).finally(() => guard.restore());
  const options = request.propertiesFile === undefined ? {} : { propertiesFile: request.propertiesFile };
  const resolved = await resolveConsumers(readDefinitions(consumers), options, {
    env: terminal.env,
    engine: 'daemon',
  });
  terminal.out(
    request.json
      ? `${JSON.stringify(resolved.map(describeProperties), null, 2)}\n`
      : resolved.map(formatProperties).join('\n'),
  );
}
