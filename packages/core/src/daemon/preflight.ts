/**
 * Looks at everything that the daemon needs at AWS, in seconds. The daemon itself takes 22 s without credentials, 95 s without
 * DynamoDB and six and a half minutes without its stream to give up, and then ends with exit code 0.
 */
import type { Notice, ResolvedConsumer } from '../config/resolved.js';
import type { Environment } from '../definition/definition.js';
import { MillraceError, type ErrorCode } from '../errors.js';
import type { Clock } from '../ports.js';
import { openPreflight } from './preflight-aws.js';
import { gatherFacts, type PreflightApi, type PreflightFacts } from './preflight-facts.js';
import { judgeFacts } from './preflight-judge.js';
import { planTables, type TableRole } from './provision-tables.js';

export interface PreflightOptions {
  readonly env: Environment;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** @defaultValue AWS, as the consumer's properties and the environment say */
  readonly open?: (consumer: ResolvedConsumer, env: Environment) => Promise<PreflightApi>;
}

export interface PreflightReport {
  /** How many shards are open; undefined when that may not be read. */
  readonly shards: number | undefined;
  /** How long the stream keeps a record; undefined when that may not be read. */
  readonly retentionMs: number | undefined;
  readonly tables: readonly FoundTable[];
  /** Rows of the lease table; undefined when that may not be read. */
  readonly leases: number | undefined;
  readonly notices: readonly Notice[];
}

export interface FoundTable {
  readonly role: TableRole;
  readonly name: string;
  /** `unknown` when it may not be read; the daemon creates what is missing. */
  readonly state: 'exists' | 'missing' | 'unknown';
}

/**
 * @throws MillraceError STREAM_NOT_FOUND, CREDENTIALS_MISSING, ACCESS_DENIED, ENDPOINT_UNREACHABLE, TABLE_WRONG,
 * COORDINATION_FAILED, SOURCE_FAILED: with several problems, the code of the first, and all of them in `details.problems`;
 * ConfigurationError REGION_MISSING; the signal's reason.
 */
export async function preflight(
  consumer: ResolvedConsumer,
  { env, clock, signal, open = openPreflight }: PreflightOptions,
): Promise<PreflightReport> {
  const api = await open(consumer, env);
  const facts = await gatherFacts(planTables(consumer), { api, clock, signal }).finally(() => api.close());
  signal.throwIfAborted();
  const findings = judgeFacts(consumer, facts);
  const problems = findings.flatMap((finding) => (finding.kind === 'problem' ? [finding.error] : []));
  const [first, ...others] = inOrder(problems);
  if (first !== undefined) throw others.length === 0 ? first : severalProblems([first, ...others]);
  return reportOf(
    facts,
    findings.flatMap((finding) => (finding.kind === 'notice' ? [finding.notice] : [])),
  );
}

function reportOf({ stream, shards, tables, leases }: PreflightFacts, notices: readonly Notice[]): PreflightReport {
  const open = shards.kind === 'answered' ? shards.value.filter(({ closed }) => !closed).length : undefined;
  return {
    shards: open ?? (stream.kind === 'answered' ? stream.value.openShards : undefined),
    retentionMs: stream.kind === 'answered' ? stream.value.retentionMs : undefined,
    tables: tables.map(({ plan: { role, name }, found }) => {
      const state = found.kind === 'failed' ? 'unknown' : found.value === undefined ? 'missing' : 'exists';
      return { role, name, state };
    }),
    leases: leases.kind === 'answered' ? leases.value.length : undefined,
    notices,
  };
}

/** What has to be mended first comes first: without credentials nothing else is known. */
const ORDER: readonly ErrorCode[] = [
  'CREDENTIALS_MISSING',
  'ENDPOINT_UNREACHABLE',
  'ACCESS_DENIED',
  'STREAM_NOT_FOUND',
  'TABLE_WRONG',
];

function inOrder(problems: readonly MillraceError[]): readonly MillraceError[] {
  const rank = ({ code }: MillraceError): number => (ORDER.includes(code) ? ORDER.indexOf(code) : ORDER.length);
  return problems.toSorted((left, right) => rank(left) - rank(right));
}

function severalProblems(all: readonly [MillraceError, ...MillraceError[]]): MillraceError {
  const problems = all.map(({ code, message }) => ({ code, message }));
  const lines = problems.map(({ code, message }) => `  - [${code}] ${message}`);
  const text = `The daemon cannot run (${problems.length} problems):\n${lines.join('\n')}`;
  return new MillraceError(all[0].code, text, { cause: all[0], details: { problems } });
}
