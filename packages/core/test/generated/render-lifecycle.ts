/** Writes the transition table of docs/daemon.md by asking the lifecycle itself. */
import {
  LIFECYCLE_LIMITS,
  stepDaemon,
  type DaemonInput,
  type DaemonOutput,
  type DaemonState,
} from '../../src/supervisor/lifecycle.js';
import { renderTable, replacePart } from './markdown.js';

const GENERATED = {
  file: 'docs/daemon.md',
  begin: '<!-- generated from the lifecycle: npm run generate:daemon -->',
  end: '<!-- end of the generated part -->',
};

const LIMITS = { ...LIFECYCLE_LIMITS, shutdownGraceMs: 25_000 };

/** One of each, without failures before. */
const STATES: readonly DaemonState[] = [
  { kind: 'new' },
  { kind: 'starting', history: [] },
  { kind: 'serving', history: [], sinceMs: 0 },
  { kind: 'leaving', history: [], why: 'x' },
  { kind: 'stopping', cause: undefined },
  { kind: 'ending', next: { kind: 'restart', history: [], why: 'x' } },
  { kind: 'ending', next: { kind: 'end', cause: undefined } },
  { kind: 'waiting', history: [] },
  { kind: 'ended', failure: undefined },
];

const INPUTS: readonly DaemonInput[] = [
  { kind: 'start' },
  { kind: 'initialized', atMs: 1 },
  { kind: 'sessionsGone' },
  { kind: 'timer' },
  { kind: 'stop', cause: undefined },
  { kind: 'broken', why: 'x' },
  { kind: 'exited', atMs: 1, how: 'x' },
];

/** The page with its table made anew. */
export function renderDaemonPage(page: string): string {
  return replacePart(page, GENERATED, renderTransitions());
}

/** Every move that changes something; what is left out changes nothing. */
function renderTransitions(): string {
  const rows = STATES.flatMap((state) =>
    INPUTS.flatMap((input) => {
      const { state: next, outputs } = stepDaemon(state, input, LIMITS);
      if (nameOf(next) === nameOf(state) && outputs.length === 0) return [];
      return [[nameOf(state), input.kind, nameOf(next), outputs.map(describe).join(', ')]];
    }),
  );
  return renderTable(['State', 'What happens', 'Next state', 'What is done'], rows);
}

function nameOf(state: DaemonState): string {
  return state.kind === 'ending' ? `ending (${state.next.kind})` : state.kind;
}

function describe(output: DaemonOutput): string {
  switch (output.kind) {
    case 'arm':
      return `arm ${output.delayMs} ms`;
    case 'ended':
      return output.failure === undefined ? 'ended' : 'ended with the failure';
    case 'restarting':
    case 'launch':
    case 'drain':
    case 'terminate':
    case 'leave':
    case 'kill':
    case 'disarm':
      return output.kind;
    default:
      return output satisfies never;
  }
}
