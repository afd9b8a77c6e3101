/** `millrace dead-letter replay`: runs parked records again through their consumer. */
import type { ResolvedConsumer } from '../../config/resolved.js';
import { containErrors } from '../../containment.js';
import { EXIT_CODES, exitCodeOf, type ExitCode } from '../../exit-codes.js';
import { openContainer } from '../../open-container.js';
import { closeStores, openStores } from '../../open-stores.js';
import type { ContainerPort, DeadLetterEntry, Logger } from '../../ports.js';
import { stderrLogger, systemClock } from '../../process-ports.js';
import type { ParkedSource } from '../../replay/parked-source.js';
import { replay } from '../../replay/replay-run.js';
import { readDefinitions, resolveConsumers } from '../../resolve-consumers.js';
import { interceptExit } from '../../transport/stdout-guard.js';
import { loadConsumers } from '../load-consumers.js';
import type { Terminal } from '../terminal.js';
import { closeSources, openSources, type SourceRequest } from './choose-sources.js';
import { matches, type EntryFilter } from './entry-filter.js';
import { withInterrupts } from './interrupts.js';
import { rehearse } from './rehearse.js';
import { ReplayReport } from './replay-report.js';
import { Results } from './results.js';

export interface ReplayRequest extends SourceRequest {
  readonly module: string;
  readonly propertiesFile: string | undefined;
  readonly filter: EntryFilter;
  readonly limit: number | undefined;
  readonly dryRun: boolean;
  readonly json: boolean;
}

/** @throws what keeps it from starting; what fails in a handler is reported, and told by the exit code. */
export async function replayParked(request: ReplayRequest, terminal: Terminal): Promise<ExitCode> {
  const results = new Results(terminal);
  const exit = interceptExit();
  try {
    return await withInterrupts((interrupted) => serve(request, { terminal, results, interrupted }));
  } finally {
    exit.restore();
    results.close();
  }
}

interface Surroundings {
  readonly terminal: Terminal;
  readonly results: Results;
  readonly interrupted: AbortSignal;
}

async function serve(request: ReplayRequest, surroundings: Surroundings): Promise<ExitCode> {
  const { terminal, results, interrupted } = surroundings;
  const { consumers, register } = await loadConsumers({ ...request, cwd: terminal.cwd });
  const definitions = readDefinitions(consumers);
  const options = request.propertiesFile === undefined ? {} : { propertiesFile: request.propertiesFile };
  const resolved = await resolveConsumers(definitions, options, { env: terminal.env, engine: 'daemon' });
  const report = new ReplayReport(request.json, (text) => results.out(text));
  const logger = stderrLogger(terminal.env);
  const sources = await openSources(request, terminal);
  let stoppedBy: Error | undefined;
  try {
    // A dry run calls no handler, so it needs none of their services.
    const container = request.dryRun
      ? undefined
      : await openContainer(definitions, register === undefined ? {} : { register }, logger);
    try {
      const run = { request, resolved, report, logger, sources, interrupted };
      stoppedBy = await runAll(container?.port, run);
    } finally {
      await container?.dispose(logger);
    }
  } finally {
    await closeSources(sources);
  }
  for (const note of report.finish(stoppedBy)) terminal.err(`note: ${note}\n`);
  if (stoppedBy !== undefined) terminal.err(`error: ${stoppedBy.message}\n`);
  return endOf(report, stoppedBy, interrupted);
}

function endOf({ counts }: ReplayReport, stoppedBy: Error | undefined, interrupted: AbortSignal): ExitCode {
  if (interrupted.aborted) return EXIT_CODES.forcedByInterrupt;
  if (stoppedBy !== undefined) return exitCodeOf(stoppedBy);
  return counts.failed > 0 || counts.left > 0 ? EXIT_CODES.failed : EXIT_CODES.ok;
}

interface Run {
  readonly request: ReplayRequest;
  readonly resolved: readonly ResolvedConsumer[];
  readonly sources: readonly ParkedSource[];
  readonly report: ReplayReport;
  readonly logger: Logger;
  readonly interrupted: AbortSignal;
}

/** Place by place, in each the consumers one after the other. @param container - undefined for a dry run. */
async function runAll(container: ContainerPort | undefined, run: Run): Promise<Error | undefined> {
  const { request, resolved, sources, logger, interrupted } = run;
  const strays = new AbortController();
  const release = containErrors({ clock: systemClock, logger, requestStop: (cause) => strays.abort(cause) });
  const over = AbortSignal.any([interrupted, strays.signal]);
  let left = request.limit;
  try {
    for (const source of sources) {
      for (const consumer of resolved) {
        if (over.aborted || left === 0) break;
        const { ran, stoppedBy } = await runOne(container, {
          ...run,
          source,
          consumer,
          limit: left,
          interrupted: over,
        });
        if (stoppedBy !== undefined) return stoppedBy;
        if (left !== undefined) left = Math.max(0, left - ran);
      }
    }
    return strays.signal.aborted ? (strays.signal.reason as Error) : undefined;
  } finally {
    release();
  }
}

interface OneRun extends Run {
  readonly source: ParkedSource;
  readonly consumer: ResolvedConsumer;
  readonly limit: number | undefined;
}

async function runOne(
  container: ContainerPort | undefined,
  { request, resolved, source, consumer, limit, report, logger, interrupted }: OneRun,
): Promise<{ readonly ran: number; readonly stoppedBy: Error | undefined }> {
  const names = new Set(resolved.map(({ applicationName }) => applicationName));
  const wants = (entry: DeadLetterEntry): boolean => {
    if (!matches(request.filter, entry)) return false;
    // The first consumer counts those that no consumer takes.
    if (!names.has(entry.applicationName) && consumer === resolved[0]) report.notOurs(entry.applicationName);
    return entry.applicationName === consumer.applicationName;
  };
  if (container === undefined) {
    const before = report.counts.wouldRun + report.counts.failed;
    await rehearse({ consumer, source, wants, limit, interrupted, report });
    return { ran: report.counts.wouldRun + report.counts.failed - before, stoppedBy: undefined };
  }
  let ran = 0;
  const ports = { clock: systemClock, random: Math.random, logger };
  const { applicationName, stream, definition, settings } = consumer;
  const stores = await openStores(definition, { applicationName, stream, region: settings.regionName, ports });
  const options = { source, consumer, container, stores, ports, wants, limit, interrupted };
  try {
    const { stoppedBy } = await replay({
      ...options,
      onOutcome: ({ item, result }) => {
        ran += 1;
        report.record(item, result);
      },
    });
    return { ran, stoppedBy };
  } finally {
    await closeStores(stores, logger);
  }
}
