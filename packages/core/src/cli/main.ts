/** Entry point of the `millrace` command. */
import { runCli } from './program.js';
import { processTerminal } from './terminal.js';

// Ended by hand: standard input may be open for ever, and nobody waits for it any more.
process.exit(await runCli(process.argv.slice(2), processTerminal()));
