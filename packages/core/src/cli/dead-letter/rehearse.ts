/** A dry run: decodes, routes and validates parked records as their consumer would, and calls no handler. */
import type { ResolvedConsumer } from '../../config/resolved.js';
import type { DeadLetterEntry } from '../../ports.js';
import type { ParkedSource } from '../../replay/parked-source.js';
import { compilePipeline } from '../../records/pipeline.js';
import { viewRecord } from '../../records/record-view.js';
import type { ReplayReport } from './replay-report.js';

export interface Rehearsal {
  readonly consumer: ResolvedConsumer;
  readonly source: ParkedSource;
  readonly wants: (entry: DeadLetterEntry) => boolean;
  readonly limit: number | undefined;
  readonly interrupted: AbortSignal;
  readonly report: ReplayReport;
}

/** Nothing is removed. @throws MillraceError from the source. */
export async function rehearse({ consumer, source, wants, limit, interrupted, report }: Rehearsal): Promise<void> {
  const { definition, settings } = consumer;
  const pipeline = await compilePipeline(definition, settings);
  const seen = new Set<string>();
  for await (const item of source.look(interrupted)) {
    const { entry } = item;
    if (!wants(entry) || seen.has(entry.id)) continue;
    if (limit !== undefined && seen.size >= limit) return;
    seen.add(entry.id);
    const prepared = await pipeline.prepare(viewRecord(entry, entry.shardId));
    if (prepared.kind === 'failed') report.record(item, { kind: 'failed', error: prepared.error });
    else if (prepared.kind === 'filtered') report.record(item, { kind: 'filtered' });
    else report.record(item, { kind: 'wouldRun', handler: `${definition.name}.${prepared.handler.name}` });
  }
}
