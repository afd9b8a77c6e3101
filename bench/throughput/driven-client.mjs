/**
 * The daemon's part towards one child: three pipes such as Java makes, one action open at a time, written and read with
 * blocking calls so that no event loop of ours is measured. Whatever the child answers is checked.
 */
import { spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openPipe } from '../support/pipe.mjs';
import { checkpointAnswer, Deliveries, INITIALIZE, LEASE_LOST, SHARD_ENDED } from './messages.mjs';
import { cpuNs, peakBytes } from './process-cost.mjs';

const ANSWER_BYTES = 64 * 1024;
const NONE = Object.freeze({ records: 0, bytes: 0, sum: 0 });

export class DrivenClient {
  child;
  exited;
  input;
  output;
  answers = Buffer.alloc(ANSWER_BYTES);
  rest = '';
  folder;
  deliveries;
  given = { ...NONE };
  ended = false;
  /** Sequence numbers: the last that was delivered, and the last that was checkpointed. */
  delivered;
  checkpointed;

  /** `client`: `{ name, command, args, env }`. `watchdog`: see watchdog.mjs. */
  constructor(client, { size, payload, watchdog }) {
    this.client = client;
    this.watchdog = watchdog;
    this.deliveries = new Deliveries(size, payload);
    this.folder = mkdtempSync(join(tmpdir(), 'mr-driven-'));
    const [toChild, fromChild] = ['in', 'out'].map((name) => openPipe(join(this.folder, name)));
    const errors = openSync(this.#path('errors'), 'w');
    const env = { ...process.env, ...client.env, BENCH_REPORT: this.#path('report') };
    this.startedAt = performance.now();
    this.child = spawn(client.command, client.args, { stdio: [toChild.read, fromChild.write, errors], env });
    this.exited = new Promise((resolve) => this.child.once('exit', (code, signal) => resolve(signal ?? code)));
    // With our copies of its ends closed, end of file travels both ways.
    for (const fd of [toChild.read, fromChild.write, errors]) closeSync(fd);
    this.input = toChild.write;
    this.output = fromChild.read;
  }

  get pid() {
    return this.child.pid;
  }

  /** Milliseconds from the start of the process to its first status. */
  initialize() {
    this.#exchange(INITIALIZE, 'initialize');
    return performance.now() - this.startedAt;
  }

  /** So many deliveries; how long they and their answers took, and what CPU time the child used. */
  deliver(count) {
    const before = cpuNs(this.pid);
    let tookMs = 0;
    for (let sent = 0; sent < count; sent += 1) {
      const { line, last, bytes, sum } = this.deliveries.next();
      const start = performance.now();
      this.delivered = last;
      this.#exchange(line, 'processRecords');
      if (!this.client.runsAhead && this.checkpointed !== last)
        this.#fail('it acknowledged a delivery without a checkpoint');
      tookMs += performance.now() - start;
      this.given.records += this.deliveries.records;
      this.given.bytes += bytes;
      this.given.sum += sum;
    }
    return { tookMs, cpuMs: (cpuNs(this.pid) - before) / 1e6 };
  }

  /** So many deliveries, and the end of the shard: it comes when all records are settled, also for clients that run ahead. */
  deliverAndEnd(count) {
    const before = cpuNs(this.pid);
    const { tookMs } = this.deliver(count);
    const start = performance.now();
    this.#exchange(SHARD_ENDED, 'shardEnded');
    this.ended = true;
    return { tookMs: tookMs + performance.now() - start, cpuMs: (cpuNs(this.pid) - before) / 1e6 };
  }

  /** Takes the lease away, unless its shard has ended, waits for the end, and compares what the handler saw with what it was sent. */
  async end() {
    const peak = peakBytes(this.pid);
    if (!this.ended) this.#exchange(LEASE_LOST, 'leaseLost');
    closeSync(this.input);
    const code = await this.exited;
    closeSync(this.output);
    if (code !== 0) this.#fail(`it ended with ${code}`);
    const seen = JSON.parse(readFileSync(this.#path('report'), 'utf8'));
    for (const [field, given] of Object.entries(this.given))
      if (seen[field] !== given) this.#fail(`its handler saw ${seen[field]} as ${field}, and ${given} was sent`);
    rmSync(this.folder, { recursive: true });
    return { peakBytes: peak, gcMs: seen.gcMs, cpuMs: seen.cpuMs, importMs: seen.importMs };
  }

  kill() {
    this.child.kill('SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** One action: sent, its checkpoints answered, until its status has come. */
  #exchange(message, action) {
    this.watchdog.watch(this.pid);
    this.#send(message);
    for (;;) {
      const answer = JSON.parse(this.#nextLine());
      if (answer.action === 'checkpoint') {
        this.#checkpoint(answer, action);
        this.#send(checkpointAnswer(answer));
        continue;
      }
      if (answer.action !== 'status' || answer.responseFor !== action)
        this.#fail(`it answered ${action} with ${JSON.stringify(answer)}`);
      this.watchdog.rest();
      return;
    }
  }

  #checkpoint({ sequenceNumber, subSequenceNumber }, action) {
    // At the end of a shard a checkpoint without a number is that end.
    if (action === 'shardEnded' && typeof sequenceNumber !== 'string') return;
    if (action !== 'processRecords' && action !== 'shardEnded') this.#fail(`it checkpointed in ${action}`);
    const { delivered, checkpointed = '' } = this;
    // Of equal length, so their order is that of texts.
    const right = this.client.runsAhead
      ? sequenceNumber > checkpointed && sequenceNumber <= delivered
      : sequenceNumber === delivered;
    if (!right || (subSequenceNumber ?? 0) !== 0)
      this.#fail(`it checkpointed ${sequenceNumber}/${subSequenceNumber} where ${delivered} was the last record`);
    this.checkpointed = sequenceNumber;
  }

  #send(message) {
    for (let at = 0; at < message.length;) at += writeSync(this.input, message, at);
  }

  /** The next line that is not empty: clients put a line feed before a message as well. */
  #nextLine() {
    for (;;) {
      const end = this.rest.indexOf('\n');
      if (end === -1) {
        const read = readSync(this.output, this.answers);
        if (read === 0) this.#fail('it closed its output');
        this.rest += this.answers.latin1Slice(0, read);
        continue;
      }
      const found = this.rest.slice(0, end).trim();
      this.rest = this.rest.slice(end + 1);
      if (found !== '') return found;
    }
  }

  #path(name) {
    return join(this.folder, name);
  }

  #fail(what) {
    const errors = readFileSync(this.#path('errors'), 'utf8').slice(-2_000);
    this.kill();
    throw new Error(`The client ${this.client.name} is wrong: ${what}.\n${errors}`);
  }
}
