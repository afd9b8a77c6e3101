/**
 * What a search has to have reached, or it says nothing: each fault in each state that it can meet. A run of the size of a
 * build fails, by name, when one of these hardly ever came about.
 */

const of = (faults: readonly string[], states: readonly string[]): readonly string[] =>
  states.flatMap((state) => faults.map((fault) => `${fault} ${state}`));

const FAULTS = [
  'deliver',
  'advance',
  'staleContext',
  'order',
  'checkpointErrors',
  'sinkFailures',
  'drain',
  'doubt',
  'shutdownRequested',
];
const ENDS = ['heal', 'shardEnd', 'leaseLost', 'handoff', 'endOfInput'];
const STATES = [
  'while ready',
  'while running',
  'while held',
  'with failed records',
  'with deferred records',
  'with handlers side by side',
  'with an open breaker',
];
const AFTERWARDS = ['deliver', 'advance', 'staleContext', 'order', 'checkpointErrors', ...ENDS];

const STREAM_FAULTS = ['put', 'reshard', 'advance', 'storeFailures', 'start', 'stop', 'kill', 'lose'];
const STREAM_STATES = [
  'while shards are read',
  'with unsettled records',
  'while checkpoints fail',
  'beside a worker without leases',
];

export const ledger: readonly string[] = [
  ...of([...FAULTS, ...ENDS], STATES),
  ...of(AFTERWARDS, ['while draining', 'while doubt']),
  ...of(STREAM_FAULTS, STREAM_STATES),
];
