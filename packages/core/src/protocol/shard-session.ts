/**
 * The session of one shard lease with the daemon, as a pure step(state, input) -> { state, outputs }: the only place that may decide to
 * write to the daemon. Illegal moves of the runtime come back as `rejected`, those of the daemon as `violation`; nothing throws.
 *
 * S1  One action is open at a time and gets exactly one status, never while a checkpoint is in flight. Whether its records are settled
 *     is the runtime's word (actionDone).
 * S2  Checkpoints only inside an open processRecords, shutdownRequested or shardEnded, one in flight, with explicit sequence and
 *     sub-sequence number, increasing except for the retry of the one that failed last, never beyond what was delivered, never a sentinel.
 * S3  shardEnded is acknowledged only after the argument-less checkpoint has succeeded, and there it is the only one.
 * S4  Lease doubt (ShutdownException, end of input, the runtime's word) is told once and lasts: no checkpoint any more, while actions
 *     are begun and acknowledged as before, shardEnded included.
 * S5  Only the two messages of WorkerMessage leave a session.
 * S6  A session is one child process's: it knows its shard's name from initialize only and shares nothing with other sessions.
 *     End of input right after initialize is a normal life.
 * S7  Redelivery is legal: the largest delivered position is found by comparing numbers and never falls.
 * S8  A checkpoint error whose name is not known counts as one that may pass.
 */
import { answers, classifyAnswer, describeTarget, refuseCheckpoint } from './checkpoint-rules.js';
import type { CheckpointTarget, DaemonMessage, Position } from './messages.js';
import { comparePositions, parsePosition } from './position.js';
import type {
  CheckpointResult,
  Ledger,
  Rejection,
  SessionInput,
  SessionOutput,
  SessionSettings,
  SessionState,
  Step,
} from './session-types.js';

type CheckpointAnswer = Extract<DaemonMessage, { kind: 'checkpoint' }>;
type ActionMessage = Exclude<DaemonMessage, CheckpointAnswer>;
type Delivery = Extract<DaemonMessage, { kind: 'processRecords' }>;
type LiveState = Exclude<SessionState, { kind: 'ended' }>;
type OpenState = Extract<SessionState, { kind: 'working' | 'checkpointing' | 'finishing' }>;
type WaitingState = Extract<SessionState, { kind: 'checkpointing' | 'finishing' }>;

export function startSession(): SessionState {
  return {
    kind: 'starting',
    ledger: { lease: 'held', initial: undefined, delivered: undefined, lastCheckpoint: { kind: 'none' } },
  };
}

export function step(state: SessionState, input: SessionInput, settings: SessionSettings): Step {
  if (state.kind === 'ended') return afterTheEnd(state, input);
  switch (input.kind) {
    case 'message':
      return input.message.kind === 'checkpoint' ? onAnswer(state, input.message) : onAction(state, input.message);
    case 'endOfInput':
      return onEndOfInput(state);
    case 'checkpoint':
      return onCheckpoint(state, input.target, settings);
    case 'actionDone':
      return onActionDone(state);
    case 'leaseDoubt':
      return doubt(state, input.why);
    default:
      return input satisfies never;
  }
}

/** Late work of the runtime is told so; end of input after leaseLost or shardEnded is how the daemon says goodbye. */
function afterTheEnd(state: Extract<SessionState, { kind: 'ended' }>, input: SessionInput): Step {
  switch (input.kind) {
    case 'message':
      return state.why === 'violation'
        ? { state, outputs: [] }
        : violation(`${input.message.kind} came after the session had ended (${state.why}).`);
    case 'checkpoint':
    case 'actionDone':
      return reject(state, input.kind, { code: 'ENDED', detail: `The session has ended (${state.why}).` });
    case 'endOfInput':
    case 'leaseDoubt':
      return { state, outputs: [] };
    default:
      return input satisfies never;
  }
}

function onAction(state: LiveState, message: ActionMessage): Step {
  switch (state.kind) {
    case 'starting':
      return message.kind === 'initialize'
        ? begin(state.ledger, message)
        : violation(`${message.kind} came before initialize.`);
    case 'idle':
      return message.kind === 'initialize' ? violation('initialize came twice.') : begin(state.ledger, message);
    case 'working':
    case 'checkpointing':
    case 'finishing':
      return violation(`${message.kind} came while ${state.action} was not acknowledged yet.`); // S1
    default:
      return state satisfies never;
  }
}

function begin(ledger: Ledger, message: ActionMessage): Step {
  return {
    state: { kind: 'working', action: message.kind, ledger: noted(ledger, message) },
    outputs: [{ kind: 'begin', message }],
  };
}

function noted(ledger: Ledger, message: ActionMessage): Ledger {
  switch (message.kind) {
    case 'initialize':
      return { ...ledger, initial: parsePosition(message.sequenceNumber, message.subSequenceNumber) };
    case 'processRecords':
      return { ...ledger, delivered: largest(ledger.delivered, message) };
    case 'shutdownRequested':
    case 'leaseLost':
    case 'shardEnded':
      return ledger;
    default:
      return message satisfies never;
  }
}

/** S7. Only a position is kept, not the record: that would keep its whole batch in memory. */
function largest(delivered: Position | undefined, { records, ascending }: Delivery): Position | undefined {
  let top: Position | undefined = delivered;
  for (const record of ascending === true ? records.slice(-1) : records) {
    if (top === undefined || comparePositions(record, top) > 0) top = record;
  }
  return top && { sequenceNumber: top.sequenceNumber, subSequenceNumber: top.subSequenceNumber };
}

function onCheckpoint(state: LiveState, target: CheckpointTarget, settings: SessionSettings): Step {
  switch (state.kind) {
    case 'starting':
    case 'idle':
      return reject(state, 'checkpoint', {
        code: 'NO_OPEN_ACTION',
        detail: 'No action is open: the daemon would run this checkpoint against the next one.',
      });
    case 'checkpointing':
    case 'finishing':
      return reject(state, 'checkpoint', {
        code: 'CHECKPOINT_IN_FLIGHT',
        detail: `The checkpoint at ${describeTarget(state.target)} is not answered yet.`,
      });
    case 'working': {
      const refusal = refuseCheckpoint(state, target, settings);
      if (refusal !== undefined) return reject(state, 'checkpoint', refusal);
      return {
        state: { ...state, kind: 'checkpointing', target },
        outputs: [{ kind: 'send', message: { kind: 'checkpoint', target } }],
      };
    }
    default:
      return state satisfies never;
  }
}

function onAnswer(state: LiveState, answer: CheckpointAnswer): Step {
  switch (state.kind) {
    case 'starting':
    case 'idle':
    case 'working':
      return violation('A checkpoint was answered that this session did not send.');
    case 'checkpointing':
    case 'finishing':
      if (!answers(answer, state.target))
        return violation(
          `The answer to the checkpoint at ${describeTarget(state.target)} names another position: something else writes to the daemon.`,
        );
      return answered(state, classifyAnswer(state.action, answer.error));
    default:
      return state satisfies never;
  }
}

function answered(state: WaitingState, result: CheckpointResult): Step {
  const told: SessionOutput = { kind: 'checkpointAnswered', target: state.target, result };
  const ledger: Ledger = {
    ...state.ledger,
    lastCheckpoint: { kind: result.kind === 'ok' ? 'stored' : 'failed', target: state.target },
  };
  const working: OpenState = { kind: 'working', action: state.action, ledger };
  const doubted =
    result.kind === 'leaseLost'
      ? doubt(working, `the daemon answered a checkpoint with ${result.error}`)
      : { state: working, outputs: [] }; // S4
  const finished = state.kind === 'finishing' ? acknowledge(doubted.state) : { state: doubted.state, outputs: [] };
  return { state: finished.state, outputs: [told, ...doubted.outputs, ...finished.outputs] };
}

function onActionDone(state: LiveState): Step {
  switch (state.kind) {
    case 'starting':
    case 'idle':
      return reject(state, 'actionDone', { code: 'NO_OPEN_ACTION', detail: 'No action is open.' });
    case 'finishing':
      return reject(state, 'actionDone', {
        code: 'NO_OPEN_ACTION',
        detail: `${state.action} was declared done before.`,
      }); // S1
    case 'checkpointing':
      return { state: { ...state, kind: 'finishing' }, outputs: [] };
    case 'working':
      return acknowledge(state);
    default:
      return state satisfies never;
  }
}

/** S1, S3: the one place where a status leaves. */
function acknowledge(state: Extract<SessionState, { kind: 'working' }>): Step {
  const { action, ledger } = state;
  const status: SessionOutput = { kind: 'send', message: { kind: 'status', responseFor: action } };
  switch (action) {
    case 'initialize':
    case 'processRecords':
    case 'shutdownRequested':
      return { state: { kind: 'idle', ledger }, outputs: [status] };
    case 'shardEnded':
      if (!mayEndShard(ledger))
        return reject(state, 'actionDone', {
          code: 'SHARD_END_NOT_CHECKPOINTED',
          detail:
            'shardEnded cannot be acknowledged before SHARD_END is checkpointed: its child shards would never start.',
        });
      return end(action, [status]);
    case 'leaseLost':
      return end(action, [status]);
    default:
      return action satisfies never;
  }
}

function mayEndShard(ledger: Ledger): boolean {
  const stored = ledger.lastCheckpoint.kind === 'stored' && ledger.lastCheckpoint.target === 'SHARD_END';
  return stored || ledger.lease === 'inDoubt';
}

function onEndOfInput(state: LiveState): Step {
  return end('endOfInput', doubt(state, 'The daemon closed the channel.').outputs);
}

function end(why: 'leaseLost' | 'shardEnded' | 'endOfInput', before: readonly SessionOutput[]): Step {
  return { state: { kind: 'ended', why }, outputs: [...before, { kind: 'ended', why }] };
}

/** S4: told once. */
function doubt<S extends LiveState>(
  state: S,
  why: string,
): { readonly state: S; readonly outputs: readonly SessionOutput[] } {
  if (state.ledger.lease === 'inDoubt') return { state, outputs: [] };
  return { state: { ...state, ledger: { ...state.ledger, lease: 'inDoubt' } }, outputs: [{ kind: 'leaseDoubt', why }] };
}

function reject(
  state: SessionState,
  input: SessionInput['kind'],
  refusal: { readonly code: Rejection; readonly detail: string },
): Step {
  return { state, outputs: [{ kind: 'rejected', input, ...refusal }] };
}

function violation(detail: string): Step {
  return { state: { kind: 'ended', why: 'violation' }, outputs: [{ kind: 'violation', detail }] };
}
