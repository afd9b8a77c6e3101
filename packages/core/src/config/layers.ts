/** Gathers what was said about a consumer, wherever it was said, under the names of the table. */
import type { ConsumerDefinition, DeclaredOptions, Environment } from '../definition/definition.js';
import { readEnvironment } from './environment.js';
import type { Findings } from './issues.js';
import { quote } from './issues.js';
import type { OptionSpec } from './millrace-options.js';
import { findOption, MILLRACE_OPTIONS } from './millrace-options.js';
import { parseProperties } from './properties-text.js';
import type { PropertySpec } from './property-spec.js';
import { findProperty, isGroupName, isWildcard, propertyNames } from './property-table.js';
import type { Origin } from './resolved.js';
import { suggest } from './suggest.js';
import { REMOVED_PROPERTIES } from './table/removed.js';
import { parseStreamArn } from './value.js';

/** One value as it was given. */
export interface Given {
  /** The name of the table, or for wildcards the full path that was written. */
  readonly name: string;
  readonly raw: unknown;
  readonly origin: Origin;
  readonly source: string;
  /** 0 is the strongest layer. */
  readonly rank: number;
}

export interface GivenProperty extends Given {
  readonly spec: PropertySpec;
}

export interface GivenOption extends Given {
  readonly spec: OptionSpec;
}

/** For every name the strongest value. */
export interface Winners {
  readonly properties: ReadonlyMap<string, GivenProperty>;
  readonly options: ReadonlyMap<string, GivenOption>;
}

export interface LayerInputs {
  readonly options?: DeclaredOptions | undefined;
  /** What the options are called in messages; default `run()`. */
  readonly optionsSource?: string | undefined;
  readonly env: Environment;
  readonly file?: { readonly path: string; readonly text: string } | undefined;
  readonly scoped?: boolean | undefined;
}

/** A value under the name that its layer used. */
export interface RawSetting {
  readonly name: string;
  readonly raw: unknown;
  readonly source: string;
}

interface Layer {
  readonly origin: Origin;
  readonly settings: readonly RawSetting[];
}

export function gatherLayers(definition: ConsumerDefinition, inputs: LayerInputs, findings: Findings): Winners {
  const collector = new Collector(findings);
  const environment = readEnvironment(inputs.env, definition.applicationName, inputs.scoped ?? false);
  for (const notice of environment.notices) findings.notice(notice.code, notice.message);
  const layers: readonly Layer[] = [
    { origin: 'option', settings: readObject(inputs.options ?? {}, inputs.optionsSource ?? 'run()') },
    { origin: 'environment', settings: environment.scoped },
    { origin: 'environment', settings: environment.plain },
    { origin: 'file', settings: readFileLayer(inputs.file, findings) },
    { origin: 'decorator', settings: readDeclared(definition, inputs.env, findings) },
    { origin: 'decorator', settings: readPositional(definition) },
  ];
  for (const [rank, layer] of layers.entries()) collector.add(layer, rank);
  checkDeclaredTwice(definition, findings);
  return collector;
}

class Collector implements Winners {
  readonly properties = new Map<string, GivenProperty>();
  readonly options = new Map<string, GivenOption>();
  private readonly findings: Findings;

  constructor(findings: Findings) {
    this.findings = findings;
  }

  add(layer: Layer, rank: number): void {
    for (const { name, raw, source } of layer.settings) {
      const given = { raw, origin: layer.origin, source, rank };
      const option = findOption(name);
      const spec = findProperty(name);
      if (option !== undefined) keepStronger(this.options, { ...given, name, spec: option });
      else if (spec === undefined) this.reportUnknown(name, raw, source);
      else this.addProperty(name, { ...given, name: isWildcard(spec) ? name : spec.name, spec });
    }
  }

  private addProperty(writtenName: string, given: GivenProperty): void {
    const known = this.properties.get(given.name);
    if (known !== undefined && known.rank === given.rank && quote(known.raw) !== quote(given.raw)) {
      this.findings.issue(
        'ILLEGAL_COMBINATION',
        given.name,
        `${given.name} is given twice with different values (${known.source}; ${given.source} as ${writtenName}). Keep one.`,
      );
    }
    keepStronger(this.properties, given);
  }

  private reportUnknown(name: string, raw: unknown, source: string): void {
    const removed = REMOVED_PROPERTIES.get(name);
    if (removed !== undefined) {
      this.findings.issue(
        'REMOVED_PROPERTY',
        name,
        `${name} (${source}) is not a property of the daemon any more. ${removed}`,
      );
      return;
    }
    if (isGroupName(name) && typeof raw === 'object' && raw !== null) {
      const inner = Object.keys(raw)[0] ?? 'name';
      this.findings.issue(
        'UNKNOWN_PROPERTY',
        name,
        `${name} (${source}) is a group, not a property. Write a dot path: "${name}.${inner}".`,
      );
      return;
    }
    const near = suggest(name, [...propertyNames(), ...MILLRACE_OPTIONS.map((option) => option.name)]);
    const shown = quote(name);
    if (near?.kind === 'sameLetters') {
      this.findings.issue(
        'WRONG_CASE',
        name,
        `${shown} (${source}) is spelled ${near.name}; the daemon would ignore it as it stands. Write ${near.name}.`,
      );
      return;
    }
    const mend = near === undefined ? 'docs/configuration.md lists what there is.' : `Did you mean ${near.name}?`;
    this.findings.issue(
      'UNKNOWN_PROPERTY',
      name,
      `${shown} (${source}) is neither a property of the daemon nor an option of Millrace. ${mend}`,
    );
  }
}

function keepStronger<T extends Given>(winners: Map<string, T>, given: T): void {
  if (!winners.has(given.name)) winners.set(given.name, given);
}

function readObject(options: DeclaredOptions, source: string): readonly RawSetting[] {
  return Object.keys(options)
    .filter((name) => options[name] !== undefined)
    .map((name) => ({ name, raw: options[name], source }));
}

/** The last of repeated keys counts, as for Java. */
function readFileLayer(file: LayerInputs['file'], findings: Findings): readonly RawSetting[] {
  if (file === undefined) return [];
  const parsed = parseProperties(file.text);
  for (const { line, detail } of parsed.malformed) {
    findings.issue(
      'MALFORMED_FILE',
      file.path,
      `${file.path}:${line} has ${detail}; Java would refuse the whole file. Write \\\\ for a backslash.`,
    );
  }
  const settings = new Map<string, RawSetting>();
  for (const { name, value, line } of parsed.entries) {
    const source = `${file.path}:${line}`;
    const earlier = settings.get(name);
    if (earlier !== undefined)
      findings.notice(
        'DUPLICATE_KEY',
        `${name} stands twice (${earlier.source}, ${source}); the last one counts, as for Java. Keep one.`,
      );
    settings.set(name, { name, raw: value, source });
  }
  return [...settings.values()];
}

/** How the consumer was declared, for messages. */
function declaredBy(definition: ConsumerDefinition): string {
  return definition.instance.kind === 'class' ? '@KinesisConsumer' : 'defineConsumer';
}

function readDeclared(definition: ConsumerDefinition, env: Environment, findings: Findings): readonly RawSetting[] {
  const source = declaredBy(definition);
  if (definition.options.kind === 'fixed') return readObject(definition.options.options, source);
  const mend = `Make the function that ${source} got return an object of options for every environment.`;
  try {
    const options: unknown = definition.options.options(env);
    if (isOptionsObject(options)) return readObject(options, source);
    findings.issue(
      'OPTIONS_FAILED',
      source,
      `The options function of ${definition.name} gave ${quote(options)} instead of an object. ${mend}`,
    );
  } catch (error) {
    const reason = error instanceof Error ? error.message : quote(error);
    findings.issue('OPTIONS_FAILED', source, `The options function of ${definition.name} threw: ${reason} ${mend}`);
  }
  return [];
}

function isOptionsObject(value: unknown): value is DeclaredOptions {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Promise);
}

/** A stream ARN may stand where the stream's name does. */
function readPositional(definition: ConsumerDefinition): readonly RawSetting[] {
  const source = declaredBy(definition);
  const { stream, applicationName } = definition;
  return [
    { name: stream.startsWith('arn:') ? 'streamArn' : 'streamName', raw: stream, source },
    { name: 'applicationName', raw: applicationName, source },
  ].filter(({ raw }) => raw !== '');
}

/** Fixed options that contradict the arguments beside them are a mistake; a function of the environment overrides them on purpose. */
function checkDeclaredTwice(definition: ConsumerDefinition, findings: Findings): void {
  if (definition.options.kind !== 'fixed') return;
  const { streamName, streamArn, applicationName } = definition.options.options;
  const arn = typeof streamArn === 'string' ? parseStreamArn(streamArn) : undefined;
  const pairs = [
    ['streamName', definition.stream, streamName],
    ['streamArn', definition.stream, arn?.stream],
    ['applicationName', definition.applicationName, applicationName],
  ] as const;
  for (const [name, argument, option] of pairs) {
    const same = option === argument || option === parseStreamArn(argument)?.stream;
    if (option === undefined || argument === '' || same) continue;
    findings.issue(
      'ILLEGAL_COMBINATION',
      name,
      `${name}: ${declaredBy(definition)} names ${quote(argument)} and its options name ${quote(option)}. Keep one.`,
    );
  }
}
