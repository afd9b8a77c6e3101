/** The audit: what the stream holds against what was handled and what was parked, record by record. Pure. */

export interface Books {
  /** Ids of all records in the stream, read back from it. */
  readonly stream: readonly string[];
  /** Ids that an effect was found for; an id stands there as often as its effect happened. */
  readonly handled: readonly string[];
  /** Ids found in the dead-letter files. */
  readonly parked: readonly string[];
}

export interface Comparison {
  readonly stream: number;
  /** Records, not effects: a record that was handled twice counts once. */
  readonly handled: number;
  readonly parked: number;
  /** In the stream, and neither handled nor parked: lost. */
  readonly missing: readonly string[];
  /** Handled or parked, and not in the stream. */
  readonly unknown: readonly string[];
  /** Handled or parked more than once; at least once is the contract, so this is no failure. */
  readonly duplicates: readonly string[];
}

export function compare({ stream, handled, parked }: Books): Comparison {
  const inStream = new Set(stream);
  const done = [...handled, ...parked];
  const times = new Map<string, number>();
  for (const id of done) times.set(id, (times.get(id) ?? 0) + 1);
  return {
    stream: inStream.size,
    handled: new Set(handled).size,
    parked: new Set(parked).size,
    missing: [...inStream].filter((id) => !times.has(id)),
    unknown: [...times.keys()].filter((id) => !inStream.has(id)),
    duplicates: [...times].filter(([, count]) => count > 1).map(([id]) => id),
  };
}

/** Why the run has failed; undefined when every record that was put is in the stream and was handled or parked. */
export function failureOf(comparison: Comparison, put: number): string | undefined {
  const { stream, missing, unknown } = comparison;
  if (put === 0) return 'Nothing was put into the stream, so nothing was shown.';
  if (stream !== put) return `${put} records were put, and ${stream} are in the stream.`;
  if (missing.length > 0) return `${missing.length} of ${stream} records are neither handled nor parked.`;
  if (unknown.length > 0) return `${unknown.length} records were handled that are not in the stream.`;
  return undefined;
}
