/** The text of a checkpoint file: what is written, and everything that may be wrong with what is read. Pure. */
import type { CheckpointTarget } from '../protocol/messages.js';

export interface CheckpointFile {
  readonly applicationName: string;
  readonly stream: string;
  readonly checkpoints: ReadonlyMap<string, CheckpointTarget>;
}

export type CheckpointFileRead =
  | { readonly kind: 'ok'; readonly file: CheckpointFile }
  | { readonly kind: 'corrupt'; readonly why: string }
  | { readonly kind: 'newer'; readonly version: number };

const FORMAT = 'millrace.checkpoints';
const VERSION = 1;
/** What stands there before a shard's first checkpoint, as in KCL's lease table. */
const SENTINELS: ReadonlySet<string> = new Set(['TRIM_HORIZON', 'LATEST', 'AT_TIMESTAMP']);

/** JSON, one shard a line, sorted: a file that people can read and compare. */
export function formatCheckpointFile(file: CheckpointFile): string {
  const shards = [...file.checkpoints].toSorted(([a], [b]) => (a < b ? -1 : 1));
  const lines = shards.map(([shardId, target]) => `    ${JSON.stringify(shardId)}: ${JSON.stringify(target)}`);
  return [
    '{',
    `  "format": ${JSON.stringify(FORMAT)},`,
    `  "version": ${VERSION},`,
    `  "applicationName": ${JSON.stringify(file.applicationName)},`,
    `  "stream": ${JSON.stringify(file.stream)},`,
    '  "checkpoints": {',
    lines.join(',\n'),
    '  }',
    '}',
    '',
  ].join('\n');
}

export function parseCheckpointFile(text: string): CheckpointFileRead {
  const json = parseJson(text);
  if (!isObject(json)) return { kind: 'corrupt', why: 'it is not a JSON object' };
  if (json['format'] !== FORMAT) return { kind: 'corrupt', why: `its "format" is not "${FORMAT}"` };
  const { version, applicationName, stream, checkpoints } = json;
  if (typeof version !== 'number') return { kind: 'corrupt', why: 'it has no "version"' };
  if (version > VERSION) return { kind: 'newer', version };
  if (typeof applicationName !== 'string' || typeof stream !== 'string')
    return { kind: 'corrupt', why: 'it does not say which application and stream it belongs to' };
  if (!isObject(checkpoints)) return { kind: 'corrupt', why: 'it has no "checkpoints"' };
  const targets = new Map<string, CheckpointTarget>();
  for (const [shardId, value] of Object.entries(checkpoints)) {
    const target = parseTarget(value);
    if (target === undefined)
      return { kind: 'corrupt', why: `the checkpoint of ${shardId} is neither a position nor "SHARD_END"` };
    targets.set(shardId, target);
  }
  return { kind: 'ok', file: { applicationName, stream, checkpoints: targets } };
}

function parseTarget(value: unknown): CheckpointTarget | undefined {
  if (value === 'SHARD_END') return value;
  if (!isObject(value)) return undefined;
  const { sequenceNumber, subSequenceNumber } = value;
  if (typeof sequenceNumber !== 'string' || !(SENTINELS.has(sequenceNumber) || /^\d+$/.test(sequenceNumber)))
    return undefined;
  if (typeof subSequenceNumber !== 'number' || !Number.isSafeInteger(subSequenceNumber) || subSequenceNumber < 0)
    return undefined;
  return { sequenceNumber, subSequenceNumber };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Not JSON is not an object either, and that is what the caller reports.
    return undefined;
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
