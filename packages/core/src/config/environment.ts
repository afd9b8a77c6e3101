/** Variables that stand for properties: MILLRACE_STREAM_NAME, or MILLRACE_ORDER_MAILER_STREAM_NAME for one application. */
import type { Environment } from '../definition/definition.js';
import { editDistance } from '../definition/did-you-mean.js';
import type { ConfigurationNoticeCode } from './issues.js';
import { findOption, MILLRACE_OPTIONS } from './millrace-options.js';
import { findProperty, propertyNames } from './property-table.js';
import { squash } from './suggest.js';

export interface EnvironmentLayers {
  readonly scoped: readonly { readonly name: string; readonly raw: string; readonly source: string }[];
  readonly plain: EnvironmentLayers['scoped'];
  readonly notices: readonly { readonly code: ConfigurationNoticeCode; readonly message: string }[];
}

const PREFIX = 'MILLRACE_';

/** Squashed names without underscores: DYNAMODB_ENDPOINT and DYNAMO_DB_ENDPOINT both mean dynamoDBEndpoint. */
const NAMES: ReadonlyMap<string, string> = new Map(
  [...propertyNames(), ...MILLRACE_OPTIONS.map((option) => option.name)]
    .toReversed()
    .map((name) => [squash(name), canonicalName(name)]),
);

function canonicalName(name: string): string {
  return findOption(name)?.name ?? findProperty(name)?.name ?? name;
}

/** The variable of a property: `idleTimeBetweenReadsInMillis` gives MILLRACE_IDLE_TIME_BETWEEN_READS_IN_MILLIS. */
export function variableName(property: string, applicationName?: string): string {
  const words = property
    .replaceAll('.', '_')
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toUpperCase();
  return `${PREFIX}${applicationName === undefined ? '' : `${scopeOf(applicationName)}_`}${words}`;
}

/** `order-mailer` gives ORDER_MAILER. */
function scopeOf(applicationName: string): string {
  return applicationName.toUpperCase().replaceAll(/[^A-Z0-9]+/g, '_');
}

/** Empty variables count as not set, which is what compose files and charts mean by them. */
export function readEnvironment(env: Environment, applicationName: string, scopedOnly: boolean): EnvironmentLayers {
  const scope = `${PREFIX}${scopeOf(applicationName)}_`;
  const scoped: EnvironmentLayers['scoped'][number][] = [];
  const plain: EnvironmentLayers['scoped'][number][] = [];
  const notices: EnvironmentLayers['notices'][number][] = [];
  for (const variable of Object.keys(env).toSorted()) {
    const raw = env[variable];
    if (raw === undefined || raw === '' || !variable.startsWith(PREFIX)) continue;
    const scopedName = variable.startsWith(scope) ? NAMES.get(squash(variable.slice(scope.length))) : undefined;
    const plainName = NAMES.get(squash(variable.slice(PREFIX.length)));
    if (scopedName !== undefined) scoped.push({ name: scopedName, raw, source: variable });
    else if (plainName !== undefined && !scopedOnly) plain.push({ name: plainName, raw, source: variable });
    else if (plainName !== undefined) notices.push(unscoped(variable, variableName(plainName, applicationName)));
    else notices.push(...misspelled(variable, scopedOnly ? scope : PREFIX, applicationName));
  }
  return { scoped, plain, notices };
}

function unscoped(variable: string, meant: string): EnvironmentLayers['notices'][number] {
  const message = `${variable} is not read, because the program has several consumers. Write ${meant} for this one.`;
  return { code: 'UNSCOPED_VARIABLE', message };
}

const SLIPS_MAX = 2;

/** Other parts of Millrace have variables too, so only a near miss is worth a word. */
function misspelled(variable: string, prefix: string, applicationName: string): EnvironmentLayers['notices'] {
  if (!variable.startsWith(prefix)) return [];
  const squashed = squash(variable.slice(prefix.length));
  if (squashed.length < 6) return [];
  const near = [...NAMES].find(
    ([known]) => Math.abs(known.length - squashed.length) <= SLIPS_MAX && editDistance(squashed, known) <= SLIPS_MAX,
  );
  if (near === undefined) return [];
  const meant = variableName(near[1], prefix === PREFIX ? undefined : applicationName);
  return [{ code: 'UNKNOWN_VARIABLE', message: `${variable} names nothing and is not read. Did you mean ${meant}?` }];
}
