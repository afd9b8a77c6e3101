// A consumer on aws-kcl, as its README shows it, that reads the bytes of every record and checkpoints after each delivery.
const kcl = require('aws-kcl');
const { Seen } = require('./seen.cjs');

const seen = new Seen();

kcl({
  initialize: (input, done) => done(),
  processRecords: ({ records, checkpointer }, done) => {
    for (const { data } of records) seen.take(Buffer.from(data, 'base64'));
    const { sequenceNumber } = records[records.length - 1];
    checkpointer.checkpoint(sequenceNumber, () => done());
  },
  leaseLost: (input, done) => {
    seen.report();
    done();
  },
  shardEnded: (input, done) => done(),
  shutdownRequested: (input, done) => done(),
}).run();
