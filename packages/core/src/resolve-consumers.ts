/** From what the user passed to resolved consumers: all mistakes of all consumers in one error. */
import { readFile } from 'node:fs/promises';
import { resolveConsumer } from './config/resolve.js';
import type { ResolvedConsumer } from './config/resolved.js';
import { readDefinition } from './decorators/read-definition.js';
import type { ConsumerOptions } from './definition/consumer-options.js';
import type { ConsumerDefinition, DeclaredOptions, Environment } from './definition/definition.js';
import { ConfigurationError, DefinitionError, MillraceError, toError, type Issue } from './errors.js';
import type { Consumer, WorkerOptions } from './worker-options.js';

/** @throws DefinitionError with the mistakes of every consumer. */
export function readDefinitions(consumers: readonly Consumer[]): ConsumerDefinition[] {
  const issues: Issue[] = [];
  const definitions = consumers.flatMap((consumer) => {
    if (typeof consumer !== 'function') return [consumer];
    try {
      return [readDefinition(consumer)];
    } catch (error) {
      if (!(error instanceof DefinitionError)) throw error;
      issues.push(...error.issues);
      return [];
    }
  });
  if (consumers.length === 0)
    issues.push({
      code: 'NO_CONSUMER',
      message: 'No consumer was given; pass at least one decorated class.',
      path: [],
    });
  if (issues.length > 0) throw new DefinitionError(issues);
  return definitions;
}

/** @throws ConfigurationError with the mistakes of every consumer. */
export async function resolveConsumers(
  definitions: readonly ConsumerDefinition[],
  options: WorkerOptions,
  { env, engine }: { readonly env: Environment; readonly engine: 'local' | 'stdio' | 'daemon' },
): Promise<ResolvedConsumer[]> {
  const file =
    options.propertiesFile === undefined
      ? undefined
      : { path: options.propertiesFile, text: await readText(options.propertiesFile) };
  const issues: Issue[] = [];
  const scoped = definitions.length > 1;
  const resolved = definitions.flatMap((definition) => {
    try {
      return [
        resolveConsumer(definition, { options: optionsOf(definition, options, scoped), env, file, scoped, engine }),
      ];
    } catch (error) {
      if (!(error instanceof ConfigurationError)) throw error;
      issues.push(...error.issues);
      return [];
    }
  });
  issues.push(...sharedNames(resolved));
  if (issues.length > 0) throw new ConfigurationError(issues);
  return resolved;
}

/** With one consumer the options are its own; with several they are filed under the application names. */
function optionsOf(
  definition: ConsumerDefinition,
  { properties }: WorkerOptions,
  scoped: boolean,
): DeclaredOptions | undefined {
  if (properties === undefined || !scoped) return properties;
  const filed = properties as Readonly<Record<string, ConsumerOptions>>;
  return filed[definition.applicationName];
}

/** The application name is the lease table: two consumers on one would take each other's shards. */
function sharedNames(resolved: readonly ResolvedConsumer[]): Issue[] {
  const names = resolved.map(({ applicationName }) => applicationName);
  const twice = new Set(names.filter((name, index) => names.indexOf(name) !== index));
  return [...twice].map((name) => ({
    code: 'DUPLICATE_APPLICATION_NAME',
    message: `Several consumers of this program have the application name "${name}", so they would share one lease table and take each other's shards. Give each its own.`,
    path: [name],
  }));
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'latin1');
  } catch (error) {
    throw new MillraceError('INPUT_INVALID', `The properties file ${path} cannot be read: ${toError(error).message}`, {
      cause: error,
    });
  }
}
