/**
 * From everything that was said about a consumer to what counts: run() or the command line, the environment, the user's
 * properties file, the declaration, our defaults, KCL's. All mistakes come at once.
 */
import type { ConsumerDefinition, DeclaredOptions, Environment } from '../definition/definition.js';
import { ConfigurationError } from '../errors.js';
import { checkCombinations } from './combinations.js';
import { translateCredentials } from './credentials.js';
import type { Effective, EffectiveProperties, Engine } from './effective.js';
import { addDefaults, readOptions, readProperties } from './effective.js';
import { resolveIdentity } from './identity.js';
import { Findings } from './issues.js';
import { gatherLayers } from './layers.js';
import { MILLRACE_OPTIONS } from './millrace-options.js';
import { resolvePosition } from './position.js';
import { findProperty, PROPERTIES } from './property-table.js';
import type { ResolvedConsumer, ResolvedProperty } from './resolved.js';
import { fillDaemonSettings, fillSettings } from './settings.js';

export interface ResolveInputs {
  /** Overrides from run() or the command line: the strongest layer. */
  readonly options?: DeclaredOptions | undefined;
  /** What those are called in messages; default `run()`. */
  readonly optionsSource?: string | undefined;
  readonly env: Environment;
  /** The user's own properties file; its bytes decoded as Latin-1, as Java does. */
  readonly file?: { readonly path: string; readonly text: string } | undefined;
  /** The program has several consumers: only MILLRACE_<APPLICATION>_* variables count. Default false. */
  readonly scoped?: boolean | undefined;
  readonly engine: Engine;
  /** How many shards the stream has, when somebody looked; for checks alone. */
  readonly shardCount?: number | undefined;
}

/**
 * Resolves the configuration of one consumer.
 *
 * @throws ConfigurationError with every mistake that was found, each with a code of its own.
 */
export function resolveConsumer(definition: ConsumerDefinition, inputs: ResolveInputs): ResolvedConsumer {
  const findings = new Findings(definition.name);
  const winners = gatherLayers(definition, inputs, findings);
  const properties = readProperties(winners.properties, inputs.engine, findings);
  const options = readOptions(winners.options, findings);
  addDefaults(properties, PROPERTIES);
  const initialPosition = resolvePosition(properties, findings);
  const identity = resolveIdentity(properties, findings);
  checkCombinations({ definition, effective: properties, options, shardCount: inputs.shardCount, findings });
  renameCredentials(properties, findings);
  if (findings.issues.length > 0) throw new ConfigurationError(findings.issues);
  return {
    definition,
    stream: identity.stream,
    applicationName: identity.applicationName,
    properties: listWritten(properties),
    options: [...listCarriedOut(properties), ...listOptions(options)],
    notices: findings.notices,
    settings: fillSettings({ properties, options, decode: winners.options.get('decode')?.raw, initialPosition }),
    daemon: fillDaemonSettings(options),
  };
}

function renameCredentials(properties: EffectiveProperties, findings: Findings): void {
  const regionName = properties.get('regionName')?.text ?? properties.get('kinesisClient.region')?.text;
  for (const [name, value] of [...properties]) {
    if (findProperty(name)?.type.kind !== 'credentials') continue;
    const text = translateCredentials(value.text, { property: name, source: value.source, regionName, findings });
    properties.set(name, { ...value, text });
  }
}

/** In the order of the table; a wildcard's keys by name. */
function listWritten(properties: EffectiveProperties): readonly ResolvedProperty[] {
  const order = new Map(PROPERTIES.map((spec, index) => [spec.name, index]));
  const place = (name: string) => order.get(findProperty(name)?.name ?? name) ?? PROPERTIES.length;
  return [...properties]
    .filter(([name]) => !isCarriedOut(name))
    .map(([name, value]) => toResolved(name, value))
    .toSorted((left, right) => place(left.name) - place(right.name) || (left.name < right.name ? -1 : 1));
}

function isCarriedOut(name: string): boolean {
  return findProperty(name)?.handling.kind === 'carriesOut';
}

function listCarriedOut(properties: EffectiveProperties): readonly ResolvedProperty[] {
  return [...properties].filter(([name]) => isCarriedOut(name)).map(([name, value]) => toResolved(name, value));
}

function toResolved(name: string, { text, origin, source }: Effective): ResolvedProperty {
  return { name, value: text, origin, source };
}

/** Our own options with their defaults; those without a value are left out. */
function listOptions(options: EffectiveProperties): readonly ResolvedProperty[] {
  return MILLRACE_OPTIONS.flatMap((spec): readonly ResolvedProperty[] => {
    const given = options.get(spec.name);
    if (given !== undefined) return [toResolved(spec.name, given)];
    return spec.default === undefined
      ? []
      : [{ name: spec.name, value: spec.default, origin: 'millrace', source: 'default' }];
  });
}
