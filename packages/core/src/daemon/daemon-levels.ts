/**
 * What the daemon logs. It would print every property, every line that a child writes and, in places, the records
 * themselves; what could do that has a limit that no level of a user lifts.
 */
import type { Environment } from '../definition/definition.js';
import { ConfigurationError, type Issue } from '../errors.js';
import { quote, type ConfigurationIssueCode } from '../config/issues.js';

/** Logback's, from the loudest to the quietest. */
const LEVELS = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'OFF'] as const;

export type DaemonLevel = (typeof LEVELS)[number];

/** Levels by the name of the logger; `root` is the one above all. */
export type DaemonLevels = ReadonlyMap<string, DaemonLevel>;

export const ROOT = 'root';
const KCL = 'software.amazon.kinesis';
const SDK = 'software.amazon.awssdk';

/** Warnings, and of KCL what tells how a start, a reshard or a change of leases goes; nothing that comes every few seconds. */
const DEFAULTS: DaemonLevels = new Map<string, DaemonLevel>([
  [ROOT, 'WARN'],
  [`${KCL}.coordinator.Scheduler`, 'INFO'],
  [`${KCL}.leases.HierarchicalShardSyncer`, 'INFO'],
  [`${KCL}.leases.dynamodb.DynamoDBLeaseCoordinator`, 'INFO'],
  [`${KCL}.leases.dynamodb.DynamoDBLeaseRefresher`, 'INFO'],
  [`${KCL}.leases.dynamodb.DynamoDBLeaseRenewer`, 'INFO'],
  [`${KCL}.leases.dynamodb.DynamoDBLeaseTaker`, 'INFO'],
  [`${KCL}.lifecycle`, 'INFO'],
  [`${KCL}.multilang.MultiLangDaemon`, 'INFO'],
  [`${KCL}.multilang.MultiLangShardRecordProcessor`, 'INFO'],
]);

/** The loudest level of a logger and those below it; the nearest one counts. */
const LIMITS: ReadonlyMap<string, { readonly level: DaemonLevel; readonly why: string }> = new Map([
  [`${KCL}.multilang.config`, { level: 'WARN', why: 'it prints the values of properties and credentials providers' }],
  [`${KCL}.multilang.GetNextMessageTask`, { level: 'WARN', why: 'it prints lines that a child wrote' }],
  [`${KCL}.multilang.DrainChildSTDOUTTask`, { level: 'WARN', why: 'it prints lines that a child wrote' }],
  // The daemon echoes the line to its own standard error as well, and that is where it belongs.
  [`${KCL}.multilang.DrainChildSTDERRTask`, { level: 'OFF', why: 'it prints lines that a child wrote' }],
  [`${KCL}.retrieval.AggregatorUtil`, { level: 'OFF', why: 'it prints records' }],
  [SDK, { level: 'INFO', why: 'it prints requests and their signatures' }],
  [`${SDK}.auth.credentials`, { level: 'TRACE', why: '' }],
  ['org.apache.http', { level: 'INFO', why: 'it prints what goes over the wire' }],
  ['io.netty', { level: 'INFO', why: 'it prints what goes over the wire' }],
  ['org.apache.commons.beanutils', { level: 'INFO', why: 'it prints the values of properties' }],
]);

const VARIABLE = 'MILLRACE_DAEMON_LOG';
const NAME = /^[A-Za-z_$][\w$]*(?:\.[A-Za-z_$][\w$]*)*$/;

/**
 * What MILLRACE_DAEMON_LOG says: `software.amazon.kinesis.coordinator=DEBUG,root=INFO`.
 *
 * @throws ConfigurationError with every part that is no level of a logger.
 */
export function readDaemonLevels(env: Environment): DaemonLevels {
  const levels = new Map<string, DaemonLevel>();
  const issues: Issue[] = [];
  const parts = (env[VARIABLE] ?? '').split(',').map((part) => part.trim());
  for (const part of parts.filter((part) => part !== '')) {
    const read = readPart(part);
    if (typeof read === 'string') issues.push(issue(read));
    else if (levels.has(read.name)) issues.push(issue(`${read.name} stands twice. Write it once.`));
    else levels.set(read.name, read.level);
  }
  if (issues.length > 0) throw new ConfigurationError(issues);
  return levels;
}

/** The levels that logback is given: the user's over ours, and none louder than its limit. */
export function limitedLevels(own: DaemonLevels): DaemonLevels {
  const asked = new Map([...DEFAULTS, ...own]);
  const names = new Set([...asked.keys(), ...LIMITS.keys()]);
  return new Map(
    [...names].toSorted().map((name) => [name, quieter(nearest(asked, name) ?? 'WARN', limitOf(name)?.level)]),
  );
}

function readPart(part: string): { readonly name: string; readonly level: DaemonLevel } | string {
  const [name = '', value = '', more] = part.split('=').map((text) => text.trim());
  if (more !== undefined || !NAME.test(name)) {
    return `${quote(part)} is not of the form logger=LEVEL. Write for example ${KCL}.coordinator=DEBUG.`;
  }
  const level = LEVELS.find((known) => known === value.toUpperCase());
  if (level === undefined) return `${quote(value)} of ${name} is no level. Use one of ${LEVELS.join(', ')}.`;
  const limit = limitOf(name);
  if (limit === undefined || quieter(level, limit.level) === level) return { name, level };
  return `${name} cannot be set to ${level}: ${limit.why}. ${limit.level} is the most.`;
}

function issue(message: string): Issue {
  const code: ConfigurationIssueCode = 'BAD_LOG_LEVEL';
  return { code, message: `${VARIABLE}: ${message}`, path: [VARIABLE] };
}

function limitOf(name: string): { readonly level: DaemonLevel; readonly why: string } | undefined {
  return nearest(LIMITS, name);
}

/** The entry of a logger or of the nearest one above it. */
function nearest<T>(entries: ReadonlyMap<string, T>, name: string): T | undefined {
  for (let at = name; at !== ''; at = at.slice(0, Math.max(0, at.lastIndexOf('.')))) {
    const entry = entries.get(at);
    if (entry !== undefined) return entry;
  }
  return entries.get(ROOT);
}

function quieter(level: DaemonLevel, limit: DaemonLevel = 'TRACE'): DaemonLevel {
  return LEVELS.indexOf(level) >= LEVELS.indexOf(limit) ? level : limit;
}
