/** What the facts before a start mean: problems that would keep the daemon from running, and what is good to know. Pure. */
import type { ResolvedConsumer } from '../config/resolved.js';
import { MillraceError } from '../errors.js';
import { classifyFailure } from '../local/kinesis-failure.js';
import { ownProvider, type AwsService } from './daemon-credentials.js';
import { registersConsumer } from './iam-policy.js';
import type { PreflightFacts, StreamSummary, TableFacts } from './preflight-facts.js';
import { notice, problem, type Finding, type FindingArea } from './preflight-finding.js';
import { leaseFindings } from './preflight-leases.js';
import { wrongTables } from './provision-make.js';
import { checkTable, tableState } from './provision-tables.js';

/** In the order in which somebody would mend them; the same thing is said once. */
export function judgeFacts(consumer: ResolvedConsumer, facts: PreflightFacts): readonly Finding[] {
  const findings = [
    ...streamFindings(consumer, facts),
    ...tableFindings(facts.tables),
    ...leaseFindings(consumer, facts),
  ].map((finding) => weigh(finding, consumer));
  const said = new Set<string>();
  return findings.filter((finding) => {
    const text = saying(finding);
    if (said.has(text)) return false;
    said.add(text);
    return true;
  });
}

/** Both services miss the same credentials, in words of their own. */
function saying(finding: Finding): string {
  if (finding.kind === 'notice') return finding.notice.message;
  const { code, message } = finding.error;
  return code === 'CREDENTIALS_MISSING' ? code : message;
}

function streamFindings(consumer: ResolvedConsumer, { stream, shards }: PreflightFacts): Finding[] {
  const findings: Finding[] = [];
  if (shards.kind === 'failed') findings.push(problem('stream', shards.error));
  if (stream.kind === 'answered') findings.push(...statusFindings(consumer, stream.value));
  else if (stream.error.code === 'ACCESS_DENIED' && shards.kind === 'answered' && !registersConsumer(consumer))
    findings.push(
      notice(
        'stream',
        'STREAM_NOT_DESCRIBED',
        `How long stream "${consumer.stream}" keeps its records cannot be read, so nothing warns before a held record expires: allow kinesis:DescribeStreamSummary on it.`,
      ),
    );
  // One call that says why is enough for what both of them hit.
  else if (shards.kind === 'answered' || shards.error.code !== stream.error.code)
    findings.push(problem('stream', stream.error));
  return findings;
}

function statusFindings({ stream }: ResolvedConsumer, { status }: StreamSummary): Finding[] {
  if (status === 'DELETING') {
    const text = `Stream "${stream}" is being deleted. Check streamName, regionName and the account, or create it again.`;
    return [problem('stream', new MillraceError('STREAM_NOT_FOUND', text, { details: { stream, status } }))];
  }
  if (status !== 'CREATING') return [];
  return [notice('stream', 'STREAM_CREATING', `Stream "${stream}" is being created; the daemon waits until it is.`)];
}

function tableFindings(tables: readonly TableFacts[]): Finding[] {
  const findings: Finding[] = [];
  const wrong: string[] = [];
  for (const { plan, found } of tables) {
    if (found.kind === 'failed') {
      // DynamoDB that cannot be reached is not reached for any table.
      const known = findings.some((earlier) => earlier.kind === 'problem' && sharedCause(earlier.error, found.error));
      if (!known) findings.push(problem('tables', found.error));
      continue;
    }
    if (found.value === undefined) continue;
    const state = tableState(plan, found.value);
    if (state.kind === 'unusable') {
      wrong.push(`Table "${plan.name}" cannot be used: it is ${state.status}.`);
      continue;
    }
    const finding = checkTable(plan, found.value);
    if (finding.kind === 'wrong')
      wrong.push(`Table "${plan.name}" is not what KCL needs: ${finding.differences.join('; ')}.`);
    if (finding.kind === 'indexMissing')
      findings.push(
        notice(
          'tables',
          'INDEX_MISSING',
          `Table "${plan.name}" lacks its index: the daemon adds it at its start and waits for it. \`millrace provision\` adds it before.`,
        ),
      );
  }
  return wrong.length === 0 ? findings : [...findings, problem('tables', wrongTables(wrong))];
}

function sharedCause(one: MillraceError, other: MillraceError): boolean {
  return one.code === other.code && (one.code === 'ENDPOINT_UNREACHABLE' || one.code === 'CREDENTIALS_MISSING');
}

const SERVICE_OF: Readonly<Record<FindingArea, AwsService>> = {
  stream: 'kinesis',
  tables: 'dynamoDb',
  leases: 'dynamoDb',
};

/** What passes by itself, or was seen with other credentials than the daemon's, does not keep it from starting. */
function weigh(finding: Finding, consumer: ResolvedConsumer): Finding {
  if (finding.kind === 'notice') return finding;
  const { area, error } = finding;
  if (isPassing(error)) return notice(area, 'NOT_CHECKED', `Not checked: ${error.message}`);
  const provider = ownProvider(consumer, SERVICE_OF[area]);
  if (provider === undefined || error.code === 'ENDPOINT_UNREACHABLE') return finding;
  return notice(
    area,
    'NOT_CHECKED',
    `Seen with the credentials of this process, not with ${provider}, which is the daemon's: ${error.message}`,
  );
}

function isPassing({ cause, code }: MillraceError): boolean {
  const failure = classifyFailure(cause);
  return code !== 'ENDPOINT_UNREACHABLE' && failure.kind === 'passing';
}
