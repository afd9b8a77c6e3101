/** `millrace put`: sends records to a stream, and says how many arrived. */
import { randomUUID } from 'node:crypto';
import { MillraceError } from '../../errors.js';
import { EXIT_CODES, type ExitCode } from '../../exit-codes.js';
import type { Clock, Random } from '../../ports.js';
import { sleepUntilAborted } from '../../runtime/race.js';
import type { Terminal } from '../terminal.js';
import { batchRecords, paceMs } from './batch-records.js';
import { openPutApi } from './kinesis-put.js';
import type { KeyRule } from './record-key.js';
import { openRecords, type RecordSource } from './record-sources.js';
import { sendBatch, type PutApi, type SendOptions } from './send-batch.js';

export interface PutRequest {
  readonly stream: string;
  readonly source: RecordSource;
  readonly key: KeyRule;
  readonly raw: boolean;
  readonly ratePerSecond: number | undefined;
  readonly endpoint: string | undefined;
  readonly region: string | undefined;
  readonly json: boolean;
}

export interface PutPorts {
  readonly terminal: Terminal;
  readonly clock: Clock;
  readonly random: Random;
  /** Aborts at Ctrl-C. */
  readonly signal: AbortSignal;
}

interface Totals {
  stored: number;
  repeated: number;
}

/** @throws MillraceError for bad input, and for a stream that cannot be written to; what was sent before is reported first. */
export async function putRecords(request: PutRequest, ports: PutPorts): Promise<ExitCode> {
  const { terminal } = ports;
  const api = await openPutApi(request.stream, {
    endpoint: request.endpoint,
    region: request.region,
    env: terminal.env,
  });
  const totals: Totals = { stored: 0, repeated: 0 };
  const startedMs = ports.clock.monotonicMs();
  try {
    await sendAll({ request, api, totals, ports });
  } catch (error) {
    if (totals.stored > 0) terminal.err(`${describe(request, totals)} before the error below.\n`);
    throw error;
  } finally {
    api.close();
  }
  const elapsedMs = Math.round(ports.clock.monotonicMs() - startedMs);
  terminal.out(
    request.json ? asJson(request, totals, elapsedMs) : `${describe(request, totals)} in ${elapsedMs} ms.\n`,
  );
  return ports.signal.aborted ? EXIT_CODES.forcedByInterrupt : EXIT_CODES.ok;
}

export interface Sending {
  readonly request: PutRequest;
  readonly api: PutApi;
  readonly totals: Totals;
  readonly ports: PutPorts;
}

export async function sendAll({ request, api, totals, ports }: Sending): Promise<void> {
  const { clock, random, signal } = ports;
  const { stream, endpoint, ratePerSecond } = request;
  const options: SendOptions = { api, clock, random, signal, stream, endpoint };
  const records = await openRecords(request.source, {
    rules: { key: request.key, raw: request.raw, randomKey: () => randomUUID() },
    cwd: ports.terminal.cwd,
    valuesOf: (n) => ({ n, uuid: randomUUID(), now: new Date(clock.now()).toISOString() }),
  });
  const startedMs = clock.monotonicMs();
  for await (const batch of batchRecords(records, { clock, ratePerSecond, signal })) {
    const aheadMs = paceMs(totals.stored, clock.monotonicMs() - startedMs, ratePerSecond);
    if (aheadMs > 0) await sleepUntilAborted(clock, aheadMs, signal);
    if (signal.aborted) return;
    const sent = await sendBatch(batch, options).catch((error: unknown) => {
      totals.stored += storedBefore(error);
      throw error;
    });
    totals.stored += sent.stored;
    totals.repeated += sent.repeated;
  }
}

/** A request that failed in the end may have stored a part of its records. */
function storedBefore(error: unknown): number {
  const stored: unknown = error instanceof MillraceError ? error.details['stored'] : undefined;
  return typeof stored === 'number' ? stored : 0;
}

function describe({ stream, endpoint }: PutRequest, { stored, repeated }: Totals): string {
  const again = repeated === 0 ? '' : ` (${repeated} sent again after they were refused)`;
  return `Sent ${stored} ${stored === 1 ? 'record' : 'records'} to ${stream} at ${endpoint ?? 'AWS'}${again}`;
}

function asJson({ stream, endpoint }: PutRequest, { stored, repeated }: Totals, elapsedMs: number): string {
  return `${JSON.stringify({ stream, endpoint: endpoint ?? null, sent: stored, repeated, elapsedMs })}\n`;
}
