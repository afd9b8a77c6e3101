/** `npm start`: the demonstration in a folder of its own, which is gone when it ends. The exit code is the result. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runDemo } from './demo/run-demo.js';
import { readOptions, USAGE, type DemoOptions } from './demo/options.js';

// Node 20 is fine for Millrace; the AWS SDK's wish for a newer one would stand in the middle of the report.
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] = 'true';
process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  let options: DemoOptions | 'help';
  try {
    options = readOptions(args);
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    return 2;
  }
  if (options === 'help') {
    console.log(USAGE);
    return 0;
  }
  return inFolderOfItsOwn(options);
}

async function inFolderOfItsOwn(options: DemoOptions): Promise<number> {
  const home = process.cwd();
  const folder = await mkdtemp(join(tmpdir(), 'millrace-orders-'));
  try {
    // The consumer's dead letters, the mails and the checkpoints are relative to the working directory.
    process.chdir(folder);
    const failure = await runDemo(options, stopSignal());
    console.log(failure ?? 'Every record was handled or parked.');
    return failure === undefined ? 0 : 1;
  } catch (error) {
    console.error(error);
    return 1;
  } finally {
    process.chdir(home);
    await rm(folder, { recursive: true, force: true });
  }
}

/** The first Ctrl-C ends production and still closes the books; a second one does not wait. */
function stopSignal(): AbortSignal {
  const stop = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort());
  return stop.signal;
}
