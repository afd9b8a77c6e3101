/** What a consumer needs at AWS: credentials, the stream, the tables, leases that belong together, and the right time. */
import type { ResolvedConsumer } from '../../config/resolved.js';
import { callsAws, isLocal, type CallerIdentity } from '../../daemon/caller-identity.js';
import { ownProvider } from '../../daemon/daemon-credentials.js';
import { gatherFacts, type PreflightFacts } from '../../daemon/preflight-facts.js';
import type { Finding, FindingArea } from '../../daemon/preflight-finding.js';
import { judgeFacts } from '../../daemon/preflight-judge.js';
import { planTables } from '../../daemon/provision-tables.js';
import type { Environment } from '../../definition/definition.js';
import { ConfigurationError } from '../../errors.js';
import { atMost } from '../../runtime/race.js';
import { CHECK_WITHIN_MS } from './check-deadline.js';
import { failed, failedWith, ok, warning, type Check, type DoctorPorts } from './check.js';
import { checkClock } from './clock-check.js';

export async function checkAws(
  consumer: ResolvedConsumer,
  env: Environment,
  ports: DoctorPorts,
): Promise<readonly Check[]> {
  const opened = await open(consumer, env, ports);
  if (opened.kind === 'failed') return opened.checks;
  const { api } = opened;
  const { signal } = new AbortController();
  const [identity, facts] = await Promise.all([
    identify(consumer, env, ports),
    gatherFacts(planTables(consumer), { api, clock: ports.clock, signal }).finally(() => api.close()),
  ]);
  const findings = judgeFacts(consumer, facts).filter((finding) => !isSaid(finding, identity));
  return [
    checkCredentials(consumer, identity),
    ...AREAS.flatMap((area) => areaChecks(area, findings, goodNews(area, consumer, facts))),
    checkClock(identity, isLocal(consumer)),
  ];
}

/** No region, without which nothing can be asked. */
async function open(consumer: ResolvedConsumer, env: Environment, { openPreflight }: DoctorPorts) {
  try {
    return { kind: 'opened', api: await openPreflight(consumer, env) } as const;
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    return { kind: 'failed', checks: error.issues.map(({ message }) => failed('region', message)) } as const;
  }
}

function isSaid(finding: Finding, identity: CallerIdentity | undefined): boolean {
  return identity?.kind === 'missing' && finding.kind === 'problem' && finding.error.code === 'CREDENTIALS_MISSING';
}

/** Undefined where AWS is not called at all. */
async function identify(
  consumer: ResolvedConsumer,
  env: Environment,
  { callerIdentity, clock }: DoctorPorts,
): Promise<CallerIdentity | undefined> {
  if (!callsAws(consumer)) return undefined;
  const ended = new AbortController();
  const asked = callerIdentity(consumer, { env, clock, signal: ended.signal });
  const raced = await atMost(asked, { clock, limitMs: CHECK_WITHIN_MS });
  ended.abort();
  const why = `STS has not answered within ${CHECK_WITHIN_MS / 1000} s`;
  return raced.kind === 'done' ? raced.value : { kind: 'unreachable', why };
}

function checkCredentials(consumer: ResolvedConsumer, identity: CallerIdentity | undefined): Check {
  const name = 'credentials';
  const provider = ownProvider(consumer, 'kinesis') ?? ownProvider(consumer, 'dynamoDb');
  const problem = provider === undefined ? failed : warning;
  const whose = provider === undefined ? '' : ` (of this process; the daemon uses ${provider})`;
  switch (identity?.kind) {
    case undefined:
      return ok(name, 'no call goes to AWS, so nobody was asked who we are');
    case 'known':
      return ok(name, `${identity.arn}, account ${identity.account}${whose}`);
    case 'missing':
      return problem(
        name,
        `No AWS credentials were found${whose}: ${identity.why}.`,
        'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or give the task, pod or instance a role.',
      );
    case 'refused':
      return problem(
        name,
        `AWS does not take the credentials${whose}: ${identity.why}.`,
        'Renew them: sign in again, or check key, secret and session token. A clock that is wrong by minutes has the same effect.',
      );
    case 'unreachable':
      return warning(
        name,
        `STS could not be asked who we are: ${identity.why}.`,
        'The daemon does not need STS unless it assumes a role. In a network without internet, an endpoint for STS mends it.',
      );
    default:
      return identity satisfies never;
  }
}

const AREAS: readonly FindingArea[] = ['stream', 'tables', 'leases'];

/** Good to know, and nothing to mend. */
const HARMLESS: ReadonlySet<string> = new Set(['APPLICATION_NEW']);

function areaChecks(area: FindingArea, findings: readonly Finding[], good: string | undefined): readonly Check[] {
  const checks = findings
    .filter((finding) => finding.area === area)
    .map((finding) => {
      if (finding.kind === 'problem') return failedWith(area, finding.error);
      const { code, message } = finding.notice;
      return HARMLESS.has(code) ? ok(area, message) : warning(area, message);
    });
  return good === undefined || checks.some(({ state }) => state === 'error') ? checks : [ok(area, good), ...checks];
}

/** Undefined when too little is known for it. */
function goodNews(area: FindingArea, { stream }: ResolvedConsumer, facts: PreflightFacts): string | undefined {
  const { shards, tables, leases } = facts;
  switch (area) {
    case 'stream': {
      if (shards.kind === 'failed') return undefined;
      const open = shards.value.filter(({ closed }) => !closed).length;
      const kept =
        facts.stream.kind === 'answered' ? `, keeps records for ${facts.stream.value.retentionMs / 3_600_000} h` : '';
      return `${stream}: ${open} open ${open === 1 ? 'shard' : 'shards'}${kept}`;
    }
    case 'tables': {
      const known = tables.flatMap(({ plan, found }) =>
        found.kind === 'failed' ? [] : [`${plan.name} ${found.value === undefined ? 'is missing' : 'exists'}`],
      );
      if (known.length < tables.length) return undefined;
      const missing = tables.some(({ found }) => found.kind === 'answered' && found.value === undefined);
      return `${known.join(', ')}${missing ? '; the daemon creates what is missing, if it may' : ''}`;
    }
    case 'leases': {
      if (leases.kind === 'failed' || leases.value.length === 0) return undefined;
      const owned = leases.value.filter(({ owner }) => owner !== undefined).length;
      return `${leases.value.length} of stream ${stream}, ${owned} with an owner`;
    }
    default:
      return area satisfies never;
  }
}
