import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../test/support/manual-clock.js';
import type { PlainSessionEvent } from '../../runtime/plain-event.js';
import type { DevEvent } from './dev-events.js';
import { jsonDisplay, plainDisplay, tableDisplay } from './displays.js';

const wording = { command: 'millrace', region: undefined };
const at = 1_700_000_000_000;
const session = (event: object): DevEvent => ({
  kind: 'session',
  event: { at, sessionId: 'mailer/A#1', shardId: 'A', ...event } as PlainSessionEvent,
});
const handled = (count: number) =>
  session({
    kind: 'progress',
    settled: { handled: count, parked: 0, skipped: 0, filtered: 0, deduplicated: 0 },
    retries: 0,
  });
const failed: DevEvent = { kind: 'workerFailed', error: { name: 'E', code: 'X', message: 'm' }, text: 'error X: m\n' };
const log = JSON.stringify({ level: 30, time: '2026-01-31T08:09:10.123Z', msg: 'Hello.' });

function terminal() {
  const said = { out: '', err: '' };
  return {
    said,
    out: (text: string) => void (said.out += text),
    err: (text: string) => void (said.err += text),
    env: {},
    cwd: '/',
    command: 'millrace',
  };
}

describe('for programs', () => {
  it('every event is a line of JSON with kind and time; logs pass untouched', () => {
    const io = terminal();
    const display = jsonDisplay(io, new ManualClock());
    display.event({ kind: 'emulatorStarted', endpoint: 'http://h:1' });
    display.event(handled(3));
    display.log(log);
    display.close();
    const lines = io.said.out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown);
    expect(lines).toEqual([
      { at, kind: 'emulatorStarted', endpoint: 'http://h:1' },
      {
        at,
        sessionId: 'mailer/A#1',
        shardId: 'A',
        kind: 'progress',
        settled: { handled: 3, parked: 0, skipped: 0, filtered: 0, deduplicated: 0 },
        retries: 0,
      },
    ]);
    expect(io.said.err).toBe(`${log}\n`);
  });
});

describe('for logs', () => {
  it('a shard that moved is summed up once a second at most, an idle one not at all', async () => {
    const io = terminal();
    const clock = new ManualClock();
    const display = plainDisplay(io, clock, wording);
    display.event(handled(3));
    display.event(handled(5));
    expect(io.said.out).toBe('');
    await clock.advance(1_000);
    expect(io.said.out).toBe('mailer A: 5 handled, 1.0 records/s, lag -, checkpoint -\n');
    await clock.advance(60_000);
    expect(io.said.out.split('\n')).toHaveLength(2);
    expect(clock.pendingTimers).toBe(0);
  });

  it('what was not summed up yet is told at the end', () => {
    const io = terminal();
    const display = plainDisplay(io, new ManualClock(), wording);
    display.event(handled(3));
    display.close();
    expect(io.said.out).toMatch(/^mailer A: 3 handled/);
  });

  it('failures and logs go to stderr, events to stdout', () => {
    const io = terminal();
    const display = plainDisplay(io, new ManualClock(), wording);
    display.event(failed);
    display.log(log);
    display.event({ kind: 'streamReady', stream: 'orders', made: 'created' });
    expect(io.said).toEqual({ out: 'Created stream orders.\n', err: 'error X: m\n08:09:10 INFO Hello.\n' });
  });
});

describe('for a terminal', () => {
  function screen() {
    const stream = Object.assign(new PassThrough(), { columns: 100, rows: 30, isTTY: true });
    stream.setEncoding('utf8');
    const clock = new ManualClock();
    const display = tableDisplay(
      { stream: stream as unknown as NodeJS.WriteStream, paint: (_, text) => text },
      clock,
      wording,
    );
    return { clock, display, written: () => String(stream.read() ?? '') };
  }

  it('the table is drawn again when something changed, not otherwise', async () => {
    const { clock, display, written } = screen();
    display.event(handled(3));
    await clock.advance(250);
    expect(written()).toContain('3 handled');
    await clock.advance(250);
    expect(written()).toBe('');
    display.close();
  });

  it('logs stand above the table, unbroken however long they are', async () => {
    const { clock, display, written } = screen();
    display.event(handled(3));
    await clock.advance(250);
    written();
    display.log('x'.repeat(250));
    const text = written();
    expect(text).toContain(`${'x'.repeat(250)}\n`);
    expect(text.indexOf('xxx')).toBeLessThan(text.indexOf('3 handled'));
    display.close();
  });

  it('nothing is left running at the end', () => {
    const { clock, display } = screen();
    display.event(handled(3));
    display.close();
    expect(clock.pendingTimers).toBe(0);
  });
});
