/**
 * The least that a client in JavaScript can do with the obvious means: chunks of standard input, a search for the line feed
 * on Buffers, JSON.parse, Buffer.from, an answer. No order, no retry, no checks: what a framework adds is measured against it.
 */
import { createRequire } from 'node:module';

// An import of CommonJS would load a parser, which is not the business of any client.
const { Seen } = createRequire(import.meta.url)('./seen.cjs');

const LINE_FEED = 0x0a;
const seen = new Seen();
let pieces = [];
let open;

process.stdin.on('data', (chunk) => {
  let start = 0;
  for (let end = chunk.indexOf(LINE_FEED); end !== -1; end = chunk.indexOf(LINE_FEED, start)) {
    pieces.push(chunk.subarray(start, end));
    const line = pieces.length === 1 ? pieces[0] : Buffer.concat(pieces);
    pieces = [];
    start = end + 1;
    take(JSON.parse(line.toString('utf8')));
  }
  if (start < chunk.length) pieces.push(chunk.subarray(start));
});

function take(message) {
  switch (message.action) {
    case 'processRecords': {
      for (const record of message.records) seen.take(Buffer.from(record.data, 'base64'));
      const { sequenceNumber, subSequenceNumber } = message.records.at(-1);
      open = message.action;
      write({ action: 'checkpoint', sequenceNumber, subSequenceNumber });
      return;
    }
    case 'checkpoint':
      acknowledge(open);
      return;
    case 'leaseLost':
      seen.report();
      acknowledge(message.action);
      return;
    default:
      acknowledge(message.action);
  }
}

const acknowledge = (responseFor) => write({ action: 'status', responseFor });
const write = (message) => process.stdout.write(`\n${JSON.stringify(message)}\n`);
