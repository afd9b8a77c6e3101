/** Three ways to watch a worker: JSON lines for programs, plain lines for logs, a table for a terminal. */
import { createLogUpdate } from 'log-update';
import type { Clock } from '../../ports.js';
import type { Terminal } from '../terminal.js';
import { Narrator, type Wording } from './describe-event.js';
import type { DevEvent } from './dev-events.js';
import { formatLog } from './format-log.js';
import { formatTable, type TableOptions } from './live-table.js';
import { NOTHING_SEEN, observe, type LiveView } from './live-view.js';
import { changedRows, summaryLine } from './summary-lines.js';

export interface Display {
  event(event: DevEvent): void;
  /** A line that the worker or one of its handlers printed. */
  log(line: string): void;
  /** Leaves the terminal as a shell expects it. */
  close(): void;
}

/** Every event as one JSON object with `kind` and `at`; session events stand there as they are. Logs pass to stderr untouched. */
export function jsonDisplay(terminal: Terminal, clock: Clock): Display {
  return {
    event: (event) => {
      const data = event.kind === 'session' ? event.event : { at: clock.now(), ...event };
      terminal.out(`${JSON.stringify(data)}\n`);
    },
    log: (line) => terminal.err(`${line}\n`),
    close: () => undefined,
  };
}

const SUMMARY_EVERY_MS = 1_000;

/** Lines for what happens, and a summary of every shard that moved, once a second at most. */
export function plainDisplay(terminal: Terminal, clock: Clock, wording: Wording): Display {
  const narrator = new Narrator(wording);
  let view: LiveView = NOTHING_SEEN;
  let told: LiveView = NOTHING_SEEN;
  let timer: { cancel(): void } | undefined;
  const summarise = (): void => {
    timer?.cancel();
    timer = undefined;
    for (const row of changedRows(told, view)) terminal.out(`${summaryLine(row, clock.now())}\n`);
    told = view;
  };
  return {
    event: (event) => {
      if (event.kind === 'session') {
        view = observe(view, event.event);
        if (view !== told) timer ??= clock.setTimer(SUMMARY_EVERY_MS, summarise);
      }
      const text = narrator.tell(event);
      if (text === undefined) return;
      if (event.kind === 'workerFailed') terminal.err(`${text}\n`);
      else terminal.out(`${text}\n`);
    },
    log: (line) => terminal.err(`${formatLog(line)}\n`),
    close: summarise,
  };
}

export interface TableTerminal {
  readonly stream: NodeJS.WriteStream;
  readonly paint: TableOptions['paint'];
}

const REDRAW_EVERY_MS = 250;
/** Some terminals do not tell. */
const COLUMNS_UNKNOWN = 80;

/** The table stays at the bottom and everything else scrolls by above it. */
export function tableDisplay({ stream, paint }: TableTerminal, clock: Clock, wording: Wording): Display {
  const draw = createLogUpdate(stream);
  const narrator = new Narrator(wording);
  let view: LiveView = NOTHING_SEEN;
  let timer: { cancel(): void } | undefined;
  let drawn = '';
  const redraw = (): void => {
    if (view.size === 0) return;
    const columns = stream.columns > 0 ? stream.columns : COLUMNS_UNKNOWN;
    const table = formatTable(view, { now: clock.now(), columns, paint });
    // The library hides the cursor at every call, changed or not.
    if (table !== drawn) draw(table);
    drawn = table;
  };
  const tick = (): void => {
    redraw();
    timer = clock.setTimer(REDRAW_EVERY_MS, tick);
  };
  tick();
  const above = (text: string): void => {
    // Not by persist(), which breaks long lines for good: a command line could not be copied any more.
    draw.clear();
    drawn = '';
    stream.write(`${text}\n`);
    redraw();
  };
  return {
    event: (event) => {
      if (event.kind === 'session') view = observe(view, event.event);
      const text = narrator.tell(event);
      if (text !== undefined) above(text);
    },
    log: (line) => above(formatLog(line)),
    close: () => {
      timer?.cancel();
      redraw();
      draw.done();
    },
  };
}
