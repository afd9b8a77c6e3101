/** Entry point of the `millrace` command. */
import { runCli } from './program.js';
import { processTerminal } from './terminal.js';

// The AWS SDK would announce at every command that its releases of 2027 need Node 22. Children inherit this.
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';

// Ended by hand: standard input may be open for ever, and nobody waits for it any more.
process.exit(await runCli(process.argv.slice(2), processTerminal()));
