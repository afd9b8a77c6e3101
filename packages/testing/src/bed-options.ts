/** What `testBed` takes. */
import type {
  ConsumerDefinition,
  ConsumerOptions,
  ContainerPort,
  DependencyContainer,
  Environment,
  Override,
  Random,
} from '@millrace/core';
import type { TestShard } from './test-shard.js';
import type { VirtualClock } from './virtual-clock.js';

/** The class, or what `defineConsumer` gives. */
export type BedConsumer = (abstract new (...args: never[]) => object) | ConsumerDefinition;

export interface TestBedOptions extends IdleOptions {
  /** How many, or their names. @defaultValue 1 */
  readonly shards?: number | readonly string[];
  /**
   * A bed whose shards this one takes over, as a second worker does that has stolen their leases: it begins at the stored
   * checkpoints, and what they do not cover comes again. Nobody tells the first bed. It goes on with what it has, on the same clock,
   * and its checkpoints are refused, until `shard.loseLease()`. Idempotent handlers of both share one store. Excludes `shards` and `clock`.
   */
  readonly takesOver?: { readonly shards: readonly TestShard[] };
  /** Replaces services by class or token. */
  readonly overrides?: readonly Override[];
  /** Registers services, as `run` does. */
  readonly register?: (container: DependencyContainer) => void | Promise<void>;
  /** Another container instead of tsyringe, as `run` takes it. Excludes `overrides` and `register`. */
  readonly container?: ContainerPort;
  /** KCL properties and Millrace options, stronger than the declaration. */
  readonly properties?: ConsumerOptions;
  /** What an options function of the consumer gets. @defaultValue nothing */
  readonly env?: Environment;
  /** @defaultValue a new one that stands at 2026-01-01T00:00:00Z */
  readonly clock?: VirtualClock;
  /** Jitter, a number in [0, 1) for each delay. @defaultValue the upper end: delays are 1 ms below the policy's bounds */
  readonly random?: Random;
  /** Retention of the stream, for the warnings of held records, in milliseconds. @defaultValue 24 hours */
  readonly retentionMs?: number;
  /** Opens the bed although NODE_ENV is `production`. @defaultValue false */
  readonly inProduction?: boolean;
}

/** The limits of `idle()`. */
export interface IdleOptions {
  /** How far the clock may move in one `idle()`, in virtual milliseconds. @defaultValue one hour */
  readonly horizonMs?: number;
  /** How long nothing may move while user code runs, in real milliseconds. @defaultValue 2000 */
  readonly guardMs?: number;
}
