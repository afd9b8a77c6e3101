// A child as the README of aws-kcl shows it, which does nothing.
const kcl = require('aws-kcl');

kcl({
  initialize: (input, done) => done(),
  processRecords: (input, done) => done(),
  leaseLost: (input, done) => done(),
  shardEnded: (input, done) => done(),
  shutdownRequested: (input, done) => done(),
}).run();
