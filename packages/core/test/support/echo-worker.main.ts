/** The echo worker as a process of its own: `echo-worker.main.ts stdio|aws-kcl`. It reports on standard error. */
import { spawnSync } from 'node:child_process';
import { writeSync } from 'node:fs';
import { claimAwsKcl } from '../../src/transport/aws-kcl-channel.js';
import { claimStdio } from '../../src/transport/stdio-channel.js';
import { serveEcho } from './echo-worker.js';

const [transport, mischief] = process.argv.slice(2);
const channel = transport === 'aws-kcl' ? await claimAwsKcl() : claimStdio();

if (mischief === 'claim twice') {
  try {
    claimStdio();
  } catch (error) {
    process.stderr.write(`${String(error)}\n`);
  }
}

await serveEcho(channel, {
  report: (report) => process.stderr.write(`REPORT ${JSON.stringify(report)}\n`),
  pollute: () => {
    console.log(null);
    console.log('{"action":"checkpoint"}');
    process.stdout.write('{"action":"status","responseFor":"processRecords"}\n');
    process.stdout.write('progress 50%');
    if (mischief === 'console') return;
    writeSync(1, 'null\n');
    // A grandchild that prints and then reads its input to the end, both inherited.
    spawnSync('sh', ['-c', 'echo null; echo \'{"action":"checkpoint"}\'; cat'], { stdio: 'inherit' });
  },
});
process.stderr.write('DONE\n');
