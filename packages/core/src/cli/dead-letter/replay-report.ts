/** What became of each record, as it happens, and the sum of it. */
import type { ParkedItem } from '../../replay/parked-source.js';
import type { Done } from '../../replay/replay-session.js';
import { plain } from './describe-entry.js';

export type ReportedResult =
  | { readonly kind: Done }
  | { readonly kind: 'failed'; readonly error: Error }
  | { readonly kind: 'left'; readonly why: string }
  /** Of a dry run: its payload is what the handler expects. */
  | { readonly kind: 'wouldRun'; readonly handler: string };

type Kind = ReportedResult['kind'];

const WORDS: Readonly<Record<Kind, string>> = {
  handled: 'handled',
  filtered: 'filtered',
  skipped: 'skipped',
  deduplicated: 'deduplicated',
  failed: 'failed again',
  left: 'left',
  wouldRun: 'would run',
};

export class ReplayReport {
  readonly counts: Record<Kind, number> = {
    handled: 0,
    filtered: 0,
    skipped: 0,
    deduplicated: 0,
    failed: 0,
    left: 0,
    wouldRun: 0,
  };
  /** Applications that have records there and no consumer in the module. */
  private readonly foreign = new Map<string, number>();

  constructor(
    private readonly json: boolean,
    private readonly out: (text: string) => void,
  ) {}

  record({ entry, place }: ParkedItem, result: ReportedResult): void {
    this.counts[result.kind] += 1;
    const { id } = entry;
    if (this.json) this.out(`${JSON.stringify({ id, place, result: result.kind, ...detailOf(result) })}\n`);
    else this.out(`${WORDS[result.kind].padEnd(12)}  ${plain(id)}${textOf(result)}\n`);
  }

  notOurs(applicationName: string): void {
    this.foreign.set(applicationName, (this.foreign.get(applicationName) ?? 0) + 1);
  }

  /** @returns notes for standard error. */
  finish(stoppedBy: Error | undefined): readonly string[] {
    const { counts } = this;
    if (this.json) {
      const stopped = stoppedBy === undefined ? null : { code: codeOf(stoppedBy), message: stoppedBy.message };
      this.out(`${JSON.stringify({ summary: { ...counts, stopped } })}\n`);
    } else this.out(`${this.summary()}\n`);
    return [...this.foreign].map(
      ([name, count]) =>
        `${count} parked ${count === 1 ? 'record is' : 'records are'} of the application "${plain(name)}", which this module does not have.`,
    );
  }

  private summary(): string {
    const told = (Object.keys(WORDS) as Kind[]).filter((kind) => this.counts[kind] > 0);
    if (told.length === 0) return 'Nothing to replay.';
    return `${told.map((kind) => `${this.counts[kind]} ${WORDS[kind]}`).join(', ')}.`;
  }
}

function detailOf(result: ReportedResult): object {
  switch (result.kind) {
    case 'handled':
    case 'filtered':
    case 'skipped':
    case 'deduplicated':
      return {};
    case 'failed':
      return { code: codeOf(result.error), error: result.error.message };
    case 'left':
      return { why: result.why };
    case 'wouldRun':
      return { handler: result.handler };
    default:
      return result satisfies never;
  }
}

function textOf(result: ReportedResult): string {
  switch (result.kind) {
    case 'handled':
    case 'filtered':
    case 'skipped':
    case 'deduplicated':
      return '';
    case 'failed':
      return plain(`: ${codeOf(result.error) ?? result.error.name}: ${result.error.message}`);
    case 'left':
      return plain(`: ${result.why}`);
    case 'wouldRun':
      return plain(`: ${result.handler}`);
    default:
      return result satisfies never;
  }
}

/** Ours, or what Node and libraries put beside the message. */
function codeOf(error: Error): string | undefined {
  return 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
