/**
 * Parked records in a queue. SQS gives them in its own order and hides what it has given for a while.
 *
 * Q1 A message is removed only after `remove()`, and stays hidden until then: its time is prolonged while we have it.
 * Q2 What was not removed stays hidden until the end of the run, and is given back then: so each message comes once in a
 *    run, and in a FIFO queue nothing of its group overtakes it.
 * Q3 When the command is killed, messages come back by themselves, within half a minute.
 */
import { openBucket, type Bucket } from '../dead-letter/bucket.js';
import { parseEntry } from '../dead-letter/entry-text.js';
import { parsePointer } from '../dead-letter/overflow.js';
import { MESSAGES_MAX, openQueue, type Queue, type ReceivedMessage } from '../dead-letter/queue.js';
import type { ParkedPlace, S3Place } from '../definition/parked-place.js';
import { toError } from '../errors.js';
import type { DeadLetterEntry, Timer } from '../ports.js';
import type { ParkedItem, ParkedSource, SourcePorts, TakenItem, Taking, Wants } from './parked-source.js';
import { grouped, inOrder } from './replay-order.js';

type SqsPlace = Extract<ParkedPlace, { readonly kind: 'sqs' }>;

/** @throws MillraceError DEPENDENCY_MISSING. */
export async function openSqsSource(place: SqsPlace, ports: SourcePorts): Promise<ParkedSource> {
  return new SqsSource({ place, queue: await openQueue(place), ports });
}

const HIDDEN_SECONDS = 30;
const PROLONG_EVERY_MS = 10_000;
/** A look gives every message back as soon as it ends; this is for a look that is killed. */
const LOOK_SECONDS = 20;
const LOOK_MESSAGES_MAX = 1_000;

/** A message's entry, and where it lies if that is not the message. */
interface Opened {
  readonly entry: DeadLetterEntry;
  readonly overflow: { readonly bucket: Bucket; readonly key: string } | undefined;
}

class SqsSource implements ParkedSource {
  readonly label: string;
  readonly view = 'sample';
  private readonly buckets = new Map<string, Bucket>();

  constructor(
    private readonly options: { readonly place: SqsPlace; readonly queue: Queue; readonly ports: SourcePorts },
  ) {
    this.label = `sqs ${options.place.queueUrl}`;
  }

  async *look(signal: AbortSignal): AsyncGenerator<ParkedItem, void> {
    const held = new HeldMessages(this.options.queue, this.options.ports);
    try {
      while (held.size < LOOK_MESSAGES_MAX) {
        const fresh = held.add(await this.options.queue.receive(LOOK_SECONDS, signal));
        if (fresh.length === 0) return;
        for (const message of fresh) {
          const opened = await this.open(message, signal);
          if (opened !== undefined) yield { entry: opened.entry, place: message.messageId };
        }
      }
    } finally {
      await held.giveBack();
    }
  }

  take(wants: Wants): Promise<Taking> {
    const held = new HeldMessages(this.options.queue, this.options.ports);
    held.prolong();
    return Promise.resolve({
      groups: (signal) => this.groups(wants, held, signal),
      end: () => held.giveBack(),
    });
  }

  close(): Promise<void> {
    for (const bucket of this.buckets.values()) bucket.close();
    this.options.queue.close();
    return Promise.resolve();
  }

  private async *groups(
    wants: Wants,
    held: HeldMessages,
    signal: AbortSignal,
  ): AsyncGenerator<readonly TakenItem[], void> {
    while (!signal.aborted) {
      const fresh = held.add(await this.options.queue.receive(HIDDEN_SECONDS, signal));
      if (fresh.length === 0) return;
      const opened = await Promise.all(fresh.map((message) => this.openToTake(message, held, signal)));
      const wanted = opened.filter((item) => item !== undefined).filter(({ taken }) => wants(taken.entry));
      for (const group of grouped(inOrder(wanted))) yield group.map(({ taken }) => taken);
    }
  }

  private async openToTake(message: ReceivedMessage, held: HeldMessages, signal: AbortSignal) {
    const opened = await this.open(message, signal);
    if (opened === undefined) return undefined;
    const { entry, overflow } = opened;
    const remove = async (): Promise<void> => {
      await held.remove(message);
      // The message first: one that points to nothing would fail for ever, an object that nothing points to does no harm.
      await overflow?.bucket.remove(overflow.key, NEVER);
    };
    const { shardId, sequenceNumber, subSequenceNumber, data } = entry;
    const taken: TakenItem = { entry, place: message.messageId, remove };
    return { shardId, sequenceNumber, subSequenceNumber, bytes: data.length, taken };
  }

  /** Undefined for what is no entry: it stays in the queue. */
  private async open({ messageId, body }: ReceivedMessage, signal: AbortSignal): Promise<Opened | undefined> {
    const pointer = parsePointer(body);
    if (pointer === undefined) {
      const entry = parseEntry(body);
      if (entry === undefined) this.options.ports.note(`The message ${messageId} is no dead letter and is left alone.`);
      return entry === undefined ? undefined : { entry, overflow: undefined };
    }
    const bucket = await this.bucketNamed(pointer.bucket);
    const entry = parseEntry((await bucket.get(pointer.key, signal)) ?? '');
    if (entry !== undefined) return { entry, overflow: { bucket, key: pointer.key } };
    const where = `${pointer.bucket}/${pointer.key}`;
    this.options.ports.note(`The message ${messageId} is left alone: its record ${pointer.id} is not at s3 ${where}.`);
    return undefined;
  }

  private async bucketNamed(name: string): Promise<Bucket> {
    const { place } = this.options;
    const { region, endpoint } = place.overflow?.bucket === name ? place.overflow : place;
    const where: S3Place = { kind: 's3', bucket: name, prefix: '', region, endpoint };
    const bucket = this.buckets.get(name) ?? (await openBucket(where));
    this.buckets.set(name, bucket);
    return bucket;
  }
}

/** What was handled is removed whatever happens meanwhile; the client has its own limits. */
const NEVER = new AbortController().signal;

/** Requests under way at once while many messages change their time. */
const CHANGES_AT_ONCE = 8;

/** The messages of one run that are ours for now. */
class HeldMessages {
  /** By message id; a message that comes again has a new receipt, and only that one counts. */
  private readonly receipts = new Map<string, string>();
  private readonly seen = new Set<string>();
  private timer: Timer | undefined;
  private ended = false;

  constructor(
    private readonly queue: Queue,
    private readonly ports: SourcePorts,
  ) {}

  get size(): number {
    return this.seen.size;
  }

  /** Those that come for the first time. */
  add(messages: readonly ReceivedMessage[]): readonly ReceivedMessage[] {
    const fresh = messages.filter(({ messageId }) => !this.seen.has(messageId));
    for (const { messageId, receipt } of messages) {
      this.seen.add(messageId);
      this.receipts.set(messageId, receipt);
    }
    return fresh;
  }

  async remove({ messageId, receipt }: ReceivedMessage): Promise<void> {
    await this.queue.remove(this.receipts.get(messageId) ?? receipt, NEVER);
    this.receipts.delete(messageId);
  }

  /** From now on, until they are given back. */
  prolong(): void {
    this.timer = this.ports.clock.setTimer(PROLONG_EVERY_MS, () => {
      void this.hideAll(HIDDEN_SECONDS).then(() => {
        if (!this.ended) this.prolong();
      });
    });
  }

  async giveBack(): Promise<void> {
    this.ended = true;
    this.timer?.cancel();
    await this.hideAll(0);
    this.receipts.clear();
  }

  /** A message whose time cannot be changed comes back when it is over: it may run twice, and is not lost. */
  private async hideAll(seconds: number): Promise<void> {
    const receipts = [...this.receipts.values()];
    const requests: (readonly string[])[] = [];
    for (let at = 0; at < receipts.length; at += MESSAGES_MAX) requests.push(receipts.slice(at, at + MESSAGES_MAX));
    for (let at = 0; at < requests.length; at += CHANGES_AT_ONCE)
      await Promise.all(requests.slice(at, at + CHANGES_AT_ONCE).map((some) => this.hide(some, seconds)));
  }

  private async hide(receipts: readonly string[], seconds: number): Promise<void> {
    try {
      const failed = await this.queue.hide(receipts, seconds, NEVER);
      // One that was removed meanwhile has no time to change.
      const held = new Set(this.receipts.values());
      const count = failed.filter((receipt) => held.has(receipt)).length;
      if (count > 0) this.ports.note(`The time of ${count} messages could not be changed; they may come twice.`);
    } catch (error) {
      this.ports.note(`The time of ${receipts.length} messages could not be changed: ${toError(error).message}`);
    }
  }
}
