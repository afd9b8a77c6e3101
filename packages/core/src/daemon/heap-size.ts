/** How much heap the daemon gets. docs/daemon.md tells the same reasoning to users. */

export interface HeapRequest {
  /** How many shards the stream has; the last worker alive may get all of them. */
  readonly shards: number;
  /** `maxLeasesForWorker`, where it is set. */
  readonly maxLeases: number | undefined;
  /** `maxRecords` of a GetRecords call. */
  readonly maxRecords: number;
  /** Megabytes that the user asks for; they are taken as they are. */
  readonly requested: number | undefined;
  /** The limit of the container, or the memory of the machine. */
  readonly memoryLimitBytes: number;
}

const MIB = 1024 * 1024;

/** What one GetRecords call returns at most. */
const CALL_BYTES = 10 * MIB;
/** Unless the stream is set to larger records. */
const RECORD_BYTES = 1 * MIB;
/** KCL stops to prefetch for a shard at this many bytes, or at this many batches; one more may be under way. */
const PREFETCH_BYTES = 8 * MIB;
const PREFETCH_BATCHES = 3;

/** While a batch is with the child: its records, the copy that becomes JSON, and the text at four thirds, one byte a letter. */
const DELIVERED = 1 + 1 + 4 / 3;
/** While it becomes text: Jackson's segments and their concatenation, two bytes a letter each. */
const WRITING = (2 * 2 * 4) / 3;
/** As many shards are written at once as there are processors that do it; more only wait. */
const WRITERS = 2;

/** KCL, the SDK and Netty, idle. */
const BASE_BYTES = 64 * MIB;
/** A collector needs room to work in. */
const ROOM = 1.25;

const LEAST_MEGABYTES = 256;
/** The rest is for the JVM itself (about 120 MB beside the heap), for Node and for what it serves. */
const SHARE_OF_LIMIT = 0.6;
/** Below this the daemon does not get to its first record. */
const STARTS_WITH_MEGABYTES = 64;

/**
 * `(base + shards x held + writers x writing) x 1.25`, at least 256 MB and at most 60 % of the memory; or what was
 * requested.
 */
export function heapMegabytes({ shards, maxLeases, maxRecords, requested, memoryLimitBytes }: HeapRequest): number {
  if (requested !== undefined) return requested;
  const served = Math.max(1, Math.min(shards, maxLeases ?? shards));
  const batch = Math.min(CALL_BYTES, maxRecords * RECORD_BYTES);
  const prefetched = Math.min(PREFETCH_BYTES + batch, PREFETCH_BATCHES * batch);
  const held = prefetched + DELIVERED * batch;
  const bytes = BASE_BYTES + served * held + Math.min(served, WRITERS) * WRITING * batch;
  const wanted = Math.max(LEAST_MEGABYTES, Math.ceil((bytes * ROOM) / MIB));
  const limit = Math.floor((memoryLimitBytes * SHARE_OF_LIMIT) / MIB);
  return Math.max(STARTS_WITH_MEGABYTES, Math.min(wanted, limit));
}
