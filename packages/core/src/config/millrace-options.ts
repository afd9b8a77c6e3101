/** Our own options, which stand beside the properties of the daemon in the same object. */
import type { MillraceOptions } from '../definition/consumer-options.js';
import type { PropertyType } from './property-spec.js';

export interface OptionSpec {
  readonly name: keyof MillraceOptions;
  readonly type: OptionType;
  /** As text; undefined when there is none. */
  readonly default: string | undefined;
  /** One sentence. */
  readonly effect: string;
}

/** `decode` takes a name or a function; the rest are written like properties. */
export type OptionType = PropertyType | { readonly kind: 'decode' };

type OptionTable = { readonly [Name in keyof Required<MillraceOptions>]: Omit<OptionSpec, 'name'> };

/** The most that a string of V8 holds is 536 MB; the longest line a daemon can write is about 300 MB. */
const LINE_BYTES_DEFAULT = 419_430_400;

const TABLE: OptionTable = {
  discriminator: {
    type: { kind: 'string' },
    default: undefined,
    effect: 'The path of the value that routes records by `type`, for example `detail.kind`.',
  },
  decode: {
    type: { kind: 'decode' },
    default: 'json',
    effect: 'How handlers that do not say get their payload: `json`, `text`, `bytes`, or a function.',
  },
  isolation: {
    type: { kind: 'enum', values: ['shared', 'process'], newer: [] },
    default: 'shared',
    effect: 'Whether the shards of a daemon share host processes, or each has a process of its own.',
  },
  hosts: {
    type: { kind: 'integer', java: 'int', unit: 'count', min: 1, max: 256 },
    default: '1',
    effect: 'How many host processes serve the shards.',
  },
  heapMegabytes: {
    type: { kind: 'integer', java: 'int', unit: 'count', min: 64, max: 65_536 },
    default: undefined,
    effect: 'The heap of the daemon in megabytes; without it the number of shards decides (docs/daemon.md).',
  },
  maxInFlight: {
    type: { kind: 'integer', java: 'int', unit: 'count', min: 1, max: 1_000_000 },
    default: '10000',
    effect: 'How far a shard may run ahead of its oldest unsettled record, in records.',
  },
  suspectRecords: {
    type: { kind: 'boolean', java: 'boolean' },
    default: 'true',
    effect:
      'Whether a record that was in flight at several deaths of its process in a row runs alone, and then not at all.',
  },
  lineBytesMax: {
    type: { kind: 'integer', java: 'int', unit: 'bytes', min: 1024, max: 536_870_888 },
    default: String(LINE_BYTES_DEFAULT),
    effect: 'The longest message of the daemon that is read; a longer one ends the session with LINE_TOO_LONG.',
  },
  transcripts: {
    type: { kind: 'string' },
    default: undefined,
    effect:
      'A folder in which the messages of each session are recorded, without payloads and with hashed keys (docs/testing.md).',
  },
};

export const MILLRACE_OPTIONS: readonly OptionSpec[] = Object.entries(TABLE).map(([name, row]) => ({
  // Object.entries forgets the keys of the table above.
  name: name as keyof MillraceOptions,
  ...row,
}));

const BY_NAME: ReadonlyMap<string, OptionSpec> = new Map(MILLRACE_OPTIONS.map((spec) => [spec.name, spec]));

export function findOption(name: string): OptionSpec | undefined {
  return BY_NAME.get(name);
}
