/** Processes that die, for tests: what their sessions wrote is in memory, and the next process reads it. */
import { formatFlightLine, parseFlightFile } from '../policy/flight-lines.js';
import { Crew } from './crew.js';
import type { FlightLog, FlightRecorder } from './flights.js';

export class DyingProcesses {
  /** What dead processes have left, file by file. */
  #left: string[] = [];
  #files = new Set<MemoryFile>();
  /** How often a line was written in this process. */
  writes = 0;
  /** Of this process; another one has another. */
  recorder = this.#start();

  get left(): number {
    return this.#left.length;
  }

  /** The process is gone, in the middle of whatever it did; the next one starts. */
  die(): void {
    this.#left.push(...[...this.#files].map((file) => file.text));
    this.next();
  }

  /** The process has ended, and the next one starts. */
  next(): void {
    this.#files = new Set();
    this.writes = 0;
    this.recorder = this.#start();
  }

  #start(): FlightRecorder {
    const files = this.#files;
    return {
      crew: new Crew(),
      open: () => {
        const taken = this.#left;
        const lives = taken.flatMap((text) => parseFlightFile(text) ?? []);
        const file = new MemoryFile({
          written: () => {
            this.writes += 1;
          },
          takenOver: () => {
            this.#left = this.#left.filter((text) => !taken.includes(text));
          },
          closed: (keep) => {
            files.delete(file);
            if (keep) this.#left.push(file.text);
          },
        });
        files.add(file);
        return { lives, log: file };
      },
    };
  }
}

interface FileEvents {
  readonly written: () => void;
  readonly takenOver: () => void;
  readonly closed: (keep: boolean) => void;
}

class MemoryFile implements FlightLog {
  readonly #lines: string[] = [];
  readonly #events: FileEvents;

  constructor(events: FileEvents) {
    this.#events = events;
  }

  get text(): string {
    return this.#lines.join('');
  }

  write(line: number, entry: Parameters<FlightLog['write']>[1]): void {
    this.#lines[line] = Buffer.from(formatFlightLine(entry)).toString('latin1');
    this.#events.written();
  }

  takenOver(): void {
    this.#events.takenOver();
  }

  close(keep: boolean): void {
    this.#events.closed(keep);
  }
}
