/** How far a fetch is: a bar in a terminal, a line for each jar elsewhere. */
import { createLogUpdate } from 'log-update';
import type { FetchObserver } from '../../daemon/jar-fetch.js';
import type { Clock } from '../../ports.js';
import { formatMegabytes } from './format-bytes.js';

export interface FetchProgress extends FetchObserver {
  /** Leaves the terminal as a shell expects it. */
  close(): void;
}

export interface ProgressState {
  readonly jars: number;
  readonly bytes: number;
  readonly jarsDone: number;
  readonly bytesDone: number;
}

const REDRAW_EVERY_MS = 100;
const BAR_CELLS = 30;

/** Redrawn ten times a second at most, by the library that draws the live view of `millrace dev` too. */
export function barProgress(stream: NodeJS.WriteStream, clock: Clock): FetchProgress {
  const draw = createLogUpdate(stream);
  let state: ProgressState = { jars: 0, bytes: 0, jarsDone: 0, bytesDone: 0 };
  let drawnMs = Number.NEGATIVE_INFINITY;
  const redraw = (): void => {
    drawnMs = clock.monotonicMs();
    draw(formatBar(state));
  };
  return {
    started: ({ jars, bytes, mended }) => {
      for (const file of mended) stream.write(`${mendedLine(file)}\n`);
      state = { ...state, jars, bytes };
      redraw();
    },
    received: (bytes) => {
      state = { ...state, bytesDone: state.bytesDone + bytes };
      if (clock.monotonicMs() - drawnMs >= REDRAW_EVERY_MS) redraw();
    },
    finished: () => {
      state = { ...state, jarsDone: state.jarsDone + 1 };
    },
    close: () => {
      if (state.jars > 0) redraw();
      draw.done();
    },
  };
}

export function lineProgress(print: (text: string) => void): FetchProgress {
  let jars = 0;
  let done = 0;
  return {
    started: (plan) => {
      ({ jars } = plan);
      for (const file of plan.mended) print(`${mendedLine(file)}\n`);
    },
    received: () => undefined,
    finished: ({ file, bytes }) => {
      done += 1;
      print(`${done}/${jars} ${file} ${formatMegabytes(bytes)}\n`);
    },
    close: () => undefined,
  };
}

/** Where the bytes are not known beforehand, jars count. */
export function formatBar({ jars, bytes, jarsDone, bytesDone }: ProgressState): string {
  const share = bytes > 0 ? bytesDone / bytes : jarsDone / jars;
  const cells = Math.floor(Math.min(1, Math.max(0, share)) * BAR_CELLS);
  const bar = '█'.repeat(cells) + '░'.repeat(BAR_CELLS - cells);
  const size = bytes > 0 ? `${formatMegabytes(bytesDone)} of ${formatMegabytes(bytes)}` : formatMegabytes(bytesDone);
  return `${bar} ${jarsDone}/${jars} jars, ${size}`;
}

function mendedLine(file: string): string {
  return `${file} is damaged and is fetched again.`;
}
