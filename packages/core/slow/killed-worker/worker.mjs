// The worker that kill.test.ts kills: it writes the id of each record it handles as a line of a file, and nothing else.
// A write that has returned survives SIGKILL; only a loss of power would need an fsync.
import { openSync, writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { defineConsumer, recordHandler, run } from '../../dist/index.js';

const HANDLING_MS = 15;
const effects = openSync('effects.txt', 'a');

await run(
  defineConsumer({
    name: 'Notes',
    stream: 'notes',
    applicationName: 'killed',
    options: { idleTimeBetweenReadsInMillis: 250 },
    // Often, so that many kills fall close to a checkpoint: one that is written too early has no place to hide.
    checkpoint: { everyMs: 150, everyRecords: 8 },
    handlers: [
      recordHandler({
        name: 'note',
        decode: 'text',
        handle: async (_, context) => {
          await sleep(HANDLING_MS);
          writeSync(effects, `${context.record.id}\n`);
        },
      }),
    ],
  }),
);
