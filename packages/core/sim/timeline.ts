/** What happened in a scenario, one line an event, with positions short enough to read. */
import type { SessionEvent } from '../src/events.js';

export function timelineOf(history: readonly SessionEvent[]): string {
  const [first] = history;
  return history.map((event) => lineOf(event, first?.at ?? 0)).join('\n');
}

function lineOf({ kind, at, ...rest }: SessionEvent, startedAt: number): string {
  const {
    sessionId: _sessionId,
    stream: _stream,
    applicationName: _applicationName,
    ...told
  }: Record<string, unknown> = rest;
  return `${String(at - startedAt).padStart(7)} ms  ${kind.padEnd(20)} ${JSON.stringify(told, shortened)}`;
}

function shortened(_key: string, value: unknown): unknown {
  if (value instanceof Error) return value.message;
  return typeof value === 'string' ? value.replace(/\d{50,}/g, (digits) => `…${digits.slice(-4)}`) : value;
}
