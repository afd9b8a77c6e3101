// The worker that kill.test.ts kills: it writes the id of each record it handles as a line of a file, and nothing else.
// A write that has returned survives SIGKILL; only a loss of power would need an fsync.
import { openSync, writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { defineConsumer, recordHandler, run } from '../../dist/index.js';

const HANDLING_MS = 15;
/** In lanes some take much longer, so that later records settle before earlier ones. */
const LANE_MS = [2, 5, 15, 60, 150];
const lanes = process.env.LANES === undefined ? undefined : Number(process.env.LANES);
const effects = openSync('effects.txt', 'a');

await run(
  defineConsumer({
    name: 'Notes',
    stream: 'notes',
    applicationName: 'killed',
    // So many deaths in a row would find some record guilty that happened to be there.
    options: { idleTimeBetweenReadsInMillis: 250, suspectRecords: false },
    // Often, so that many kills fall close to a checkpoint: one that is written too early has no place to hide.
    ...(lanes === undefined ? {} : { concurrency: { perShard: lanes, maxInFlight: 120 } }),
    checkpoint: { everyMs: 150, everyRecords: 8 },
    handlers: [
      recordHandler({
        name: 'note',
        decode: 'text',
        handle: async (note, context) => {
          await sleep(
            lanes === undefined
              ? HANDLING_MS
              : LANE_MS[note.length % 2 === 0 ? 1 : note.charCodeAt(note.length - 1) % LANE_MS.length],
          );
          writeSync(effects, `${context.record.id}\n`);
        },
      }),
    ],
  }),
);
