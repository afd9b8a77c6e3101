/** Questions to the processes that serve shards, and their answers: any of them may have the record that is asked about. */
import type { ToHost } from '../host/host-messages.js';
import type { Clock } from '../ports.js';
import type { Wish, WishAnswer } from '../runtime/orders.js';

/** A first write to a dead-letter sink may take 30 s. */
const ANSWER_WITHIN_MS = 35_000;

export interface Asked {
  readonly name: string;
  send(message: ToHost): void;
}

export interface Question {
  readonly applicationName: string;
  readonly recordId: string;
  readonly wish: Wish;
}

interface OpenAsk {
  /** Who has not answered yet. */
  readonly waiting: Set<string>;
  refused: WishAnswer | undefined;
  readonly end: (answer: WishAnswer | undefined) => void;
}

export class Asks {
  private readonly open = new Map<number, OpenAsk>();
  private asked = 0;

  constructor(private readonly clock: Clock) {}

  /** The answer of the one that has the record; undefined when all have said that they do not. */
  ask(everybody: readonly Asked[], question: Question): Promise<WishAnswer | undefined> {
    if (everybody.length === 0) return Promise.resolve(undefined);
    this.asked += 1;
    const askId = this.asked;
    return new Promise((resolve) => {
      const end = (answer: WishAnswer | undefined): void => {
        this.open.delete(askId);
        late.cancel();
        resolve(answer);
      };
      const late = this.clock.setTimer(ANSWER_WITHIN_MS, () => end(silence(this.open.get(askId))));
      this.open.set(askId, { waiting: new Set(everybody.map(({ name }) => name)), refused: undefined, end });
      for (const one of everybody) one.send({ kind: 'ask', askId, ...question });
    });
  }

  answered(name: string, askId: number, answer: WishAnswer | undefined): void {
    const ask = this.open.get(askId);
    if (ask === undefined || !ask.waiting.delete(name)) return;
    if (answer?.kind === 'refused') ask.refused ??= answer;
    else if (answer !== undefined) {
      ask.end(answer);
      return;
    }
    if (ask.waiting.size === 0) ask.end(ask.refused);
  }

  /** It has ended and answers nothing any more. */
  gone(name: string): void {
    for (const askId of [...this.open.keys()]) this.answered(name, askId, undefined);
  }
}

function silence(ask: OpenAsk | undefined): WishAnswer {
  const who = [...(ask?.waiting ?? [])].join(', ');
  const text = `${who} did not answer within ${ANSWER_WITHIN_MS} ms. Its event loop may be blocked; it carries the order out when it comes back.`;
  return ask?.refused ?? { kind: 'refused', text };
}
