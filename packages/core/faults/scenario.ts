/** What the matrix is made of: a fault, the moment that it hits, and what the worker does meanwhile. All of it comes from a seed. */
import fc from 'fast-check';

/** How sessions are served: by a child on the daemon's pipes, or by a host that takes over the pipes of relays. */
export type Mode = 'child' | 'host';

/** What the first shard is at when the fault hits. */
export const MOMENTS = ['idle', 'handler', 'checkpoint', 'status'] as const;
export type Moment = (typeof MOMENTS)[number];

/** Somebody dies or falls silent at a moment; the life ends with it. */
const MORTAL = {
  child: ['kill', 'endOfInput', 'halfLine', 'outputClosed', 'notJson', 'notAnObject', 'unknownAction', 'noRecords'],
  host: ['kill', 'relayKilled', 'supervisorGone', 'daemonGone'],
} as const satisfies Record<Mode, readonly string[]>;
/** Something is unusual at a moment; the life goes on. */
const HARMLESS = {
  child: ['terminate', 'interrupt', 'stalledReader'],
  host: ['stalledReader'],
} as const satisfies Record<Mode, readonly string[]>;

export type MortalKind = (typeof MORTAL)[Mode][number];
export type HarmlessKind = (typeof HARMLESS)[Mode][number];

export function isMortal(kind: MortalKind | HarmlessKind): kind is MortalKind {
  return Object.values(MORTAL).some((kinds: readonly string[]) => kinds.includes(kind));
}

/** Deeds of one handler of the first shard. */
export const DEEDS = ['throws', 'exits', 'blocks', 'prints', 'slow'] as const;
/** How the daemon writes, all the time. */
export const WRITINGS = ['bytewise', 'carriageReturns'] as const;
/** What the daemon answers to checkpoints of the first shard, for a while. */
export const ANSWERS = ['ThrottlingException', 'KinesisClientLibDependencyException'] as const;

export type Fault =
  | { readonly kind: MortalKind | HarmlessKind; readonly moment: Moment }
  /** The child or host is killed when so many bytes have been written to it, or read from it, wherever in a line that is. */
  | { readonly kind: 'cutInput' | 'cutOutput'; readonly bytes: number }
  | { readonly kind: 'deed'; readonly deed: (typeof DEEDS)[number] }
  | { readonly kind: 'writing'; readonly writing: (typeof WRITINGS)[number] }
  | { readonly kind: 'answers'; readonly error: (typeof ANSWERS)[number]; readonly times: number };

export interface Scenario {
  readonly seed: number;
  /** Where in the matrix it is. */
  readonly cell: string;
  readonly mode: Mode;
  readonly shards: 1 | 4;
  readonly lanes: 0 | 4;
  readonly policy: 'batch' | 'often';
  /** Numbers of records, for each shard the same. */
  readonly batches: readonly number[];
  readonly keys: number;
  /** The batch that is open, or comes next, when the fault hits. */
  readonly at: number;
  /** A checkpoint that is being stored is stored, although its worker dies before it hears of that. */
  readonly stored: boolean;
  /** The locale of the worker. */
  readonly locale: 'C' | 'C.UTF-8';
  readonly fault: Fault;
}

interface Cell {
  readonly name: string;
  readonly mode: Mode;
  readonly fault: fc.Arbitrary<Fault>;
}

/** Further than the longest session goes, a cut would hit nothing. */
const CUT_WITHIN_BYTES = { cutInput: 2_500, cutOutput: 250 } as const;

function cellsOf(mode: Mode): readonly Cell[] {
  const cell = (name: string, fault: fc.Arbitrary<Fault>): Cell => ({ name: `${mode} ${name}`, mode, fault });
  const kinds = [...MORTAL[mode], ...HARMLESS[mode]];
  const cuts = ['cutInput', 'cutOutput'] as const;
  return [
    ...kinds.flatMap((kind) => MOMENTS.map((moment) => cell(`${kind} in ${moment}`, fc.constant({ kind, moment })))),
    ...cuts.map((kind) =>
      cell(kind, fc.record({ kind: fc.constant(kind), bytes: fc.integer({ min: 1, max: CUT_WITHIN_BYTES[kind] }) })),
    ),
    ...DEEDS.map((deed) => cell(`handler ${deed}`, fc.constant({ kind: 'deed', deed }))),
    ...WRITINGS.map((writing) => cell(writing, fc.constant({ kind: 'writing', writing }))),
    ...ANSWERS.map((error) =>
      cell(
        error,
        fc.record({
          kind: fc.constant('answers' as const),
          error: fc.constant(error),
          times: fc.integer({ min: 1, max: 3 }),
        }),
      ),
    ),
  ];
}

/** The matrix: seeds go through it in turn. */
export const cells: readonly Cell[] = [...cellsOf('child'), ...cellsOf('host')];

const scenarioIn = ({ name, mode, fault }: Cell): fc.Arbitrary<Omit<Scenario, 'seed'>> =>
  fc
    .record({
      cell: fc.constant(name),
      mode: fc.constant(mode),
      // Four processes take as long to start as four scenarios.
      shards: fc.constantFrom<1 | 4>(1, 1, 1, 1, 1, 4),
      lanes: fc.constantFrom<0 | 4>(0, 4),
      policy: fc.constantFrom<'batch' | 'often'>('batch', 'often'),
      batches: fc.array(fc.integer({ min: 2, max: 9 }), { minLength: 2, maxLength: 4 }),
      keys: fc.integer({ min: 1, max: 6 }),
      at: fc.nat(3),
      stored: fc.boolean(),
      locale: fc.constantFrom<'C' | 'C.UTF-8'>('C', 'C.UTF-8'),
      fault,
    })
    .map((one) => ({ ...one, at: one.at % one.batches.length }));

/** Where in the matrix a seed is. */
export function cellOf(seed: number): string {
  return cells[seed % cells.length]?.name ?? '';
}

export function scenarioOf(seed: number): Scenario {
  const cell = cells[seed % cells.length];
  const [one] = cell === undefined ? [] : fc.sample(scenarioIn(cell), { seed, numRuns: 1 });
  if (one === undefined) throw new RangeError('A seed gives one scenario.');
  return { seed, ...one };
}
