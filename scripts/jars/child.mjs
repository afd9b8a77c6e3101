// A child of the MultiLangDaemon that handles nothing: it notes what it was given and checkpoints it.
import { appendFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

const [notes] = process.argv.slice(2);
const note = (text) => appendFileSync(notes, `${text}\n`);
const send = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);
let open = 'initialize';

for await (const line of createInterface({ input: process.stdin })) {
  const message = JSON.parse(line);
  if (message.action === 'checkpoint') {
    if (message.error) note(`checkpoint ${message.error}`);
    send({ action: 'status', responseFor: open });
    continue;
  }
  open = message.action;
  note(open === 'processRecords' ? `records ${message.records.length}` : open);
  const last = message.records?.at(-1);
  if (open === 'shardEnded') send({ action: 'checkpoint' });
  else if (last === undefined) send({ action: 'status', responseFor: open });
  else {
    const { sequenceNumber, subSequenceNumber } = last;
    send({ action: 'checkpoint', sequenceNumber, subSequenceNumber });
  }
}
