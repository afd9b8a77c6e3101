// A consumer on aws-kcl, as its README shows it, that reads the bytes of every record and checkpoints after each delivery. With
// BENCH_WAIT_MS it awaits something for each record first.
const { setTimeout: sleep } = require('node:timers/promises');
const kcl = require('aws-kcl');
const { Seen } = require('./seen.cjs');

const waitMs = Number(process.env.BENCH_WAIT_MS ?? 0);
const seen = new Seen();

async function take({ data }) {
  await sleep(waitMs);
  seen.take(Buffer.from(data, 'base64'));
}

async function inTurn(records) {
  for (const record of records) await take(record);
}

kcl({
  initialize: (input, done) => done(),
  processRecords: ({ records, checkpointer }, done) => {
    const { sequenceNumber } = records[records.length - 1];
    const checkpoint = () => checkpointer.checkpoint(sequenceNumber, () => done());
    if (waitMs > 0) {
      void inTurn(records).then(checkpoint);
      return;
    }
    for (const { data } of records) seen.take(Buffer.from(data, 'base64'));
    checkpoint();
  },
  leaseLost: (input, done) => {
    seen.report();
    done();
  },
  shardEnded: ({ checkpointer }, done) => {
    seen.report();
    checkpointer.checkpoint(() => done());
  },
  shutdownRequested: (input, done) => done(),
}).run();
