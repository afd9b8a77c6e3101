/** Standard output while code of the user runs: it is for results alone, whatever handlers and modules print. */
import { redirectStdout, type Guard } from '../../transport/stdout-guard.js';
import type { Terminal } from '../terminal.js';

export class Results {
  private guard: Guard = redirectStdout();

  constructor(private readonly terminal: Terminal) {}

  out(text: string): void {
    this.guard.restore();
    this.terminal.out(text);
    this.guard = redirectStdout();
  }

  close(): void {
    this.guard.restore();
  }
}
