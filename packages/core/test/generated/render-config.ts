/** Writes what is generated from the property table: the typed properties and the tables of the docs page. */
import { CONFIGURATION_ISSUES, CONFIGURATION_NOTICES } from '../../src/config/issues.js';
import { MILLRACE_OPTIONS } from '../../src/config/millrace-options.js';
import { describeRange } from '../../src/config/numbers.js';
import { GROUP_TITLES, isWildcard, KCL_VERSION, PROPERTIES } from '../../src/config/property-table.js';
import type { PropertyGroup, PropertySpec, PropertyType } from '../../src/config/property-spec.js';
import { variableName } from '../../src/config/environment.js';
import { escapeCell, renderCodes, renderTable, replacePart } from './markdown.js';

/** Properties that are refused or need a later KCL do not compile. */
function isUsable(spec: PropertySpec): boolean {
  return spec.handling.kind !== 'refuses' && spec.handling.kind !== 'newer';
}

export function renderTypes(): string {
  return `/**
 * The properties of KCL ${KCL_VERSION}'s MultiLangDaemon as types. Generated from the property table by
 * \`npm run generate:config\`; do not edit.
 */

/** An ISO-8601 time with its zone: \`2026-01-31T08:00:00Z\`. */
export type IsoTimestamp = \`\${number}-\${number}-\${number}T\${string}\`;

/** A Date, or anything else that knows its milliseconds since the epoch. */
export interface DateLike {
  getTime(): number;
}

/** Where a shard without a lease starts: at its oldest record, at its newest, or at a moment. */
export type StartPosition =
  | 'TRIM_HORIZON'
  | 'LATEST'
  | 'AT_TIMESTAMP'
  | DateLike
  | IsoTimestamp
  | { readonly timestamp: DateLike | IsoTimestamp };

/** A value for a method of an AWS SDK client builder. */
export type BuilderValue = string | number | boolean;

export type KclProperties = {
${PROPERTIES.filter(isUsable).flatMap(renderProperty).join('\n')}
};
`;
}

function renderProperty(spec: PropertySpec): readonly string[] {
  if (isWildcard(spec)) {
    const key = `[path: \`${spec.name.slice(0, -1)}\${string}\`]`;
    return [...renderComment(spec.effect, []), `  readonly ${key}: BuilderValue | undefined;`];
  }
  const tags = [...defaultTag(spec), ...(spec.deprecated === undefined ? [] : [`@deprecated ${spec.deprecated}`])];
  const lines = [...renderComment(spec.effect, tags), renderField(spec.name, spec.type)];
  const aliases = spec.aliases.flatMap((alias) => [
    `  /** The same as \`${spec.name}\`. */`,
    renderField(alias, spec.type),
  ]);
  return [...lines, ...aliases];
}

function renderField(name: string, type: PropertyType): string {
  const head = `  readonly ${name.includes('.') ? `'${name}'` : name}?:`;
  const members = [renderType(type), 'undefined'].flatMap((member) => member.split(' | '));
  const line = `${head} ${members.join(' | ')};`;
  return line.length <= 120 ? line : `${head}\n${members.map((member) => `    | ${member}`).join('\n')};`;
}

function defaultTag(spec: PropertySpec): readonly string[] {
  const value = spec.millraceDefault ?? spec.kclDefault;
  return value === undefined ? [] : [`@defaultValue ${value}`];
}

const WIDTH = 116;

/** One line where it fits, tags included; else wrapped by words. */
function renderComment(text: string, tags: readonly string[]): readonly string[] {
  const inline = [text, ...tags].join(' ');
  if (inline.length + 11 <= WIDTH) return [`  /** ${inline} */`];
  return ['  /**', ...[...wrap(text), ...tags].map((line) => `   * ${line}`), '   */'];
}

function wrap(text: string): readonly string[] {
  const lines: string[] = [''];
  for (const word of text.split(' ')) {
    const line = lines.at(-1) ?? '';
    if (line !== '' && line.length + word.length + 6 > WIDTH) lines.push(word);
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
  }
  return lines;
}

const TYPE_NAMES: Readonly<Partial<Record<PropertyType['kind'], string>>> = {
  integer: 'number',
  double: 'number',
  boolean: 'boolean',
  list: 'readonly string[]',
  tags: 'Readonly<Record<string, string>>',
  position: 'StartPosition',
  timestamp: 'number | DateLike | IsoTimestamp',
  builder: 'BuilderValue',
};

function renderType(type: PropertyType): string {
  if (type.kind === 'enum') return type.values.map((value) => `'${value}'`).join(' | ');
  return TYPE_NAMES[type.kind] ?? 'string';
}

/** The part of docs/configuration.md between its markers. */
function renderDocs(): string {
  const groups = Object.entries(GROUP_TITLES).map(([group, title]) => renderGroup(title, group as PropertyGroup));
  return [
    ...groups,
    renderOptions(),
    renderCodes('### Mistakes', CONFIGURATION_ISSUES),
    renderCodes('### Notices', CONFIGURATION_NOTICES),
  ].join('\n\n');
}

const GENERATED = {
  file: 'docs/configuration.md',
  begin: '<!-- generated from the property table: npm run generate:config -->',
  end: '<!-- end of the generated part -->',
};

/** The page with its generated part made anew. */
export function renderPage(page: string): string {
  return replacePart(page, GENERATED, renderDocs());
}

function renderGroup(title: string, group: PropertyGroup): string {
  const rows = PROPERTIES.filter((spec) => spec.group === group).map((spec) => [
    nameCell(spec),
    typeCell(spec.type),
    defaultCell(spec),
    escapeCell(spec.effect),
    handlingCell(spec),
  ]);
  return `### ${title}\n\n${renderTable(['Property', 'Type', 'Default', 'Effect', 'Millrace'], rows)}`;
}

function nameCell(spec: PropertySpec): string {
  const aliases = spec.aliases.filter(
    (alias) => !alias.includes('.') && alias.toLowerCase() !== spec.name.toLowerCase(),
  );
  const nested = spec.aliases.filter((alias) => alias.includes('.'));
  const others = [...aliases, ...nested].map((name) => `\`${name}\``);
  return others.length === 0 ? `\`${spec.name}\`` : `\`${spec.name}\`, also ${others.join(', ')}`;
}

function typeCell(type: PropertyType): string {
  if (type.kind === 'integer') return `${type.unit === 'count' ? 'whole number' : type.unit}, ${describeRange(type)}`;
  if (type.kind === 'double') return `number, ${describeRange(type)}`;
  if (type.kind === 'enum') return type.values.map((value) => `\`${value}\``).join(', ');
  return TYPE_WORDS[type.kind];
}

const TYPE_WORDS = {
  boolean: 'true or false',
  string: 'text',
  streamName: 'stream name',
  streamArn: 'ARN',
  applicationName: 'DynamoDB table name',
  tableName: 'DynamoDB table name',
  region: 'region',
  uri: 'URL',
  credentials: 'provider names',
  duration: 'ISO-8601 duration',
  list: 'list of texts',
  tags: 'tags',
  position: '`TRIM_HORIZON`, `LATEST`, or a moment',
  timestamp: 'a moment, or seconds since the epoch',
  builder: 'text, number or boolean',
} as const;

function defaultCell(spec: PropertySpec): string {
  if (spec.millraceDefault === undefined) return escapeCell(spec.kclDefault ?? '');
  return `**${spec.millraceDefault}**${spec.kclDefault === undefined ? '' : ` (KCL: ${spec.kclDefault})`}`;
}

function handlingCell(spec: PropertySpec): string {
  const later = spec.deprecated === undefined ? '' : ` ${spec.deprecated}`;
  switch (spec.handling.kind) {
    case 'passes':
      return `passes it on.${later}${SENSITIVITY[spec.sensitivity]}`;
    case 'accepts':
      return `passes it on, with a notice${spec.handling.when === 'false' ? ' for `false`' : ''}. ${spec.handling.why}`;
    case 'sets':
      return `sets it itself. ${spec.handling.why}`;
    case 'carriesOut':
      return `does it itself. ${spec.handling.why}`;
    case 'refuses':
      return `refuses it. ${spec.handling.why}`;
    case 'newer':
      return `refuses it: it needs KCL ${spec.handling.since}.`;
    default:
      return spec.handling satisfies never;
  }
}

const SENSITIVITY = {
  none: '',
  identifies: ' Names something of yours: look before you share a log.',
  credentials: ' Says where credentials are found; refuses secrets.',
} as const;

function renderOptions(): string {
  const rows = MILLRACE_OPTIONS.map((option) => [
    `\`${option.name}\``,
    option.type.kind === 'decode' ? '`json`, `text`, `bytes`, or a function' : typeCell(option.type),
    option.default ?? '',
    option.effect,
    `\`${variableName(option.name)}\``,
  ]);
  return `### Options of Millrace\n\n${renderTable(['Option', 'Type', 'Default', 'Effect', 'Variable'], rows)}`;
}
