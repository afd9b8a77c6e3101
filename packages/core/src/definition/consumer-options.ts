/** The third argument of `@KinesisConsumer` as users see it. */
import type { Decode, Environment } from './definition.js';
import type { KclProperties } from './kcl-properties.js';

/** The options that are Millrace's own. */
export type MillraceOptions = {
  /** The path of the value that routes records by `type`: `'type'`, `'detail.kind'`. */
  readonly discriminator?: string | undefined;
  /**
   * How handlers that do not say get their payload.
   *
   * @defaultValue `'json'`
   */
  readonly decode?: Decode | undefined;
  /**
   * `'shared'`: the shards of a daemon share host processes. `'process'`: each shard has a process of its own.
   *
   * @defaultValue `'shared'`
   */
  readonly isolation?: 'shared' | 'process' | undefined;
  /**
   * How many host processes serve the shards.
   *
   * @defaultValue 1
   */
  readonly hosts?: number | undefined;
  /**
   * The heap of the daemon in megabytes.
   *
   * @defaultValue by the number of shards, see docs/daemon.md
   */
  readonly heapMegabytes?: number | undefined;
  /**
   * How far a shard may run ahead of its oldest unsettled record, in records.
   *
   * @defaultValue 10000
   */
  readonly maxInFlight?: number | undefined;
  /**
   * Whether a record that was in flight at three deaths of its process in a row runs alone, and after a fourth not at all.
   * Switch it off where processes are killed from outside again and again.
   *
   * @defaultValue true
   */
  readonly suspectRecords?: boolean | undefined;
  /**
   * The longest message of the daemon that is read, in bytes.
   *
   * @defaultValue 419430400
   */
  readonly lineBytesMax?: number | undefined;
  /**
   * A folder in which what the daemon and each session say to each other is recorded, payloads replaced by zeros and partition
   * keys by hashes. It costs time and disk: for an hour in which something is to be found out.
   *
   * @defaultValue nothing is recorded
   */
  readonly transcripts?: string | undefined;
};

/** Typed properties of the daemon and options of Millrace, in one object. */
export type ConsumerOptions = KclProperties & MillraceOptions;

/** Options, or a function of the environment that gives them; it is called once, at start. */
export type ConsumerOptionsSource = ConsumerOptions | ((env: Environment) => ConsumerOptions);
