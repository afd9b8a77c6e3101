/** Whether the leases of an application belong to its stream, and what they say about its start. Pure. */
import type { ResolvedConsumer } from '../config/resolved.js';
import { compareSequenceNumbers, isSequenceNumber } from '../protocol/position.js';
import type { LeaseFacts } from './coordination.js';
import { notice, problem, type Finding } from './preflight-finding.js';
import type { KnownShard, PreflightFacts, TableFacts } from './preflight-facts.js';
import { wrongTables } from './provision-make.js';
import { checkTable } from './provision-tables.js';

export function leaseFindings(consumer: ResolvedConsumer, { shards, leases, tables }: PreflightFacts): Finding[] {
  const [leaseTable] = tables;
  // Why there is nothing to say about leases has been said of their table.
  if (leaseTable === undefined || !isUsable(leaseTable)) return [];
  if (leases.kind === 'failed') return [problem('leases', leases.error)];
  if (leases.value.length === 0) return [newApplication(consumer, leaseTable)];
  const known = shards.kind === 'answered' ? shards.value : [];
  const belonging = known.length === 0 ? [] : belongingFindings(consumer, { leaseTable, leases: leases.value, known });
  return [...ignoredPosition(consumer), ...belonging];
}

function isUsable({ plan, found }: TableFacts): boolean {
  if (found.kind === 'failed') return false;
  return found.value === undefined || checkTable(plan, found.value).kind !== 'wrong';
}

function newApplication({ applicationName }: ResolvedConsumer, { found }: TableFacts): Finding {
  const missing = found.kind === 'answered' && found.value === undefined;
  return notice(
    'leases',
    'APPLICATION_NEW',
    `The application "${applicationName}" is new: it has no ${missing ? 'lease table' : 'leases'} yet. Its first start takes 25 to 40 s until the first record; \`millrace provision --leases\` before it makes that seconds.`,
  );
}

/** KCL asks for the initial position only where a shard has no lease. */
function ignoredPosition({ settings, properties }: ResolvedConsumer): Finding[] {
  const { kind } = settings.initialPosition;
  const said = properties.find(({ name }) => name === 'initialPositionInStream');
  if (kind === 'TRIM_HORIZON' || said === undefined) return [];
  return [
    notice(
      'leases',
      'POSITION_IGNORED',
      `initialPositionInStream ${said.value} (${said.source}) has no effect: the application has leases, and goes on where they stand.`,
    ),
  ];
}

interface Belonging {
  readonly leaseTable: TableFacts;
  readonly leases: readonly LeaseFacts[];
  readonly known: readonly KnownShard[];
}

const NAMED_MAX = 3;

/** A lease of a shard that was read to its end may outlive the shard; the others are to be read, and must be there. */
function belongingFindings({ stream }: ResolvedConsumer, { leaseTable, leases, known }: Belonging): Finding[] {
  const starts = new Map(known.map(({ shardId, startingSequenceNumber }) => [shardId, startingSequenceNumber]));
  const open = leases.filter(({ checkpoint }) => checkpoint !== 'SHARD_END');
  const foreign = open.filter((lease) => isForeign(lease, starts));
  if (foreign.length === 0) return [];
  const { name } = leaseTable.plan;
  const names = foreign.slice(0, NAMED_MAX).map(({ shardId, checkpoint }) => `${shardId} at ${checkpoint}`);
  const rest = foreign.length > NAMED_MAX ? ` and ${foreign.length - NAMED_MAX} more` : '';
  const what = `${names.join(', ')}${rest}`;
  if (foreign.length < open.length)
    return [
      notice(
        'leases',
        'LEASES_UNKNOWN',
        `Table "${name}" has leases that stream "${stream}" does not know (${what}): shards that it has forgotten since, or leases of another stream.`,
      ),
    ];
  const text = `Table "${name}" holds the leases of another stream than "${stream}", or of one of this name that was deleted: it knows none of their shards and positions (${what}).`;
  return [problem('leases', wrongTables([text]))];
}

/** Shards are counted from zero in every stream, so a position before the shard's beginning tells as much as its name. */
function isForeign({ shardId, checkpoint }: LeaseFacts, starts: ReadonlyMap<string, string | undefined>): boolean {
  if (!starts.has(shardId)) return true;
  const start = starts.get(shardId);
  return start !== undefined && isSequenceNumber(checkpoint) && compareSequenceNumbers(checkpoint, start) < 0;
}
