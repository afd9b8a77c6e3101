/** What counts and why, for people (`millrace properties`) and for machines. */
import { escapeText, writeProperties } from './properties-text.js';
import { KCL_VERSION } from './property-table.js';
import type { Notice, Origin, ResolvedConsumer, ResolvedProperty } from './resolved.js';

const ORIGINS: Readonly<Record<Origin, string>> = {
  option: 'given to the run',
  environment: 'environment',
  file: 'properties file',
  decorator: 'declared',
  millrace: "Millrace's default",
  kcl: "KCL's default",
};

/** The effective file of a consumer as a daemon can load it, with the origin of every value in a comment above it. */
export function formatProperties(resolved: ResolvedConsumer): string {
  const lines = [
    comment(`${resolved.definition.name}: properties for the MultiLangDaemon of KCL ${KCL_VERSION}`),
    comment(
      'What is not listed is left to KCL. executableName and, unless given, workerId are set when a daemon is started.',
    ),
    ...resolved.properties.flatMap((property) => [
      '',
      comment(describeOrigin(property)),
      writeProperties([property]).slice(0, -1),
    ]),
    '',
    comment('Kept by Millrace, not read by the daemon:'),
    ...resolved.options.map((option) => comment(`  ${option.name} = ${option.value} (${describeOrigin(option)})`)),
    ...resolved.notices.flatMap((notice) => ['', comment(`[${notice.code}] ${notice.message}`)]),
  ];
  return `${lines.join('\n')}\n`;
}

/** Escaped like a value, so that a path with a line feed in it cannot begin a line of its own. */
function comment(text: string): string {
  return `# ${text.replaceAll(/[^ -~]+/g, (part) => escapeText(part))}`;
}

function describeOrigin({ origin, source }: ResolvedProperty): string {
  return source === 'default' ? ORIGINS[origin] : `${ORIGINS[origin]}: ${source}`;
}

export interface PropertiesReport {
  readonly consumer: string;
  readonly stream: string;
  readonly applicationName: string;
  readonly kcl: string;
  readonly properties: readonly ResolvedProperty[];
  readonly options: readonly ResolvedProperty[];
  readonly notices: readonly Notice[];
}

/** The same as plain data, for JSON. */
export function describeProperties(resolved: ResolvedConsumer): PropertiesReport {
  return {
    consumer: resolved.definition.name,
    stream: resolved.stream,
    applicationName: resolved.applicationName,
    kcl: KCL_VERSION,
    properties: resolved.properties,
    options: resolved.options,
    notices: resolved.notices,
  };
}
