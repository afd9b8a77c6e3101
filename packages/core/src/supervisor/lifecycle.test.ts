import { describe, expect, it } from 'vitest';
import { isMillraceError, MillraceError } from '../errors.js';
import { LIFECYCLE_LIMITS, stepDaemon, type DaemonInput, type DaemonOutput, type DaemonState } from './lifecycle.js';

const LIMITS = { ...LIFECYCLE_LIMITS, shutdownGraceMs: 25_000 };
const exited = (atMs = 1, how = 'it ended with exit code 1'): DaemonInput => ({ kind: 'exited', atMs, how });
const stop: DaemonInput = { kind: 'stop', cause: undefined };

/** Plays inputs from the beginning; every output in order. */
function play(...inputs: readonly DaemonInput[]): { state: DaemonState; outputs: DaemonOutput[]; last: string[] } {
  let state: DaemonState = { kind: 'new' };
  const outputs: DaemonOutput[] = [];
  let last: string[] = [];
  for (const input of inputs) {
    const step = stepDaemon(state, input, LIMITS);
    state = step.state;
    outputs.push(...step.outputs);
    last = step.outputs.map(({ kind }) => kind);
  }
  return { state, outputs, last };
}

const serving: readonly DaemonInput[] = [{ kind: 'start' }, { kind: 'initialized', atMs: 0 }];

describe('a daemon that is asked to end', () => {
  it('drains, is told, and has its grace', () => {
    expect(play(...serving, stop)).toMatchObject({
      state: { kind: 'stopping' },
      outputs: [{ kind: 'launch' }, { kind: 'drain' }, { kind: 'terminate' }, { kind: 'arm', delayMs: 25_000 }],
    });
  });

  it('is ended as soon as its sessions are gone, for it may wait much longer itself', () => {
    expect(play(...serving, stop, { kind: 'sessionsGone' }).last).toEqual(['kill', 'arm']);
  });

  it('is ended when the grace is over', () => {
    expect(play(...serving, stop, { kind: 'timer' }).last).toEqual(['kill', 'arm']);
  });

  it.each([
    ['by itself', [stop, exited()]],
    ['by us', [stop, { kind: 'sessionsGone' }, exited()]],
  ] as [string, DaemonInput[]][])('has ended in order when it is gone %s, whatever it exits with', (_, inputs) => {
    expect(play(...serving, ...inputs)).toMatchObject({ state: { kind: 'ended', failure: undefined } });
  });

  it('keeps the first cause', () => {
    const cause = new MillraceError('STOP_WORKER', 'enough');
    const later = new MillraceError('STOP_WORKER', 'later');
    const { state } = play(...serving, { kind: 'stop', cause }, { kind: 'stop', cause: later }, exited());

    expect(state).toEqual({ kind: 'ended', failure: cause });
  });

  it('does not start again when it was just about to', () => {
    expect(play(...serving, exited(), stop)).toMatchObject({ state: { kind: 'ended', failure: undefined } });
    expect(play(...serving, { kind: 'broken', why: 'x' }, { kind: 'timer' }, stop, exited())).toMatchObject({
      state: { kind: 'ended', failure: undefined },
    });
  });

  it('never ran when it was never started', () => {
    expect(play(stop)).toEqual({
      state: { kind: 'ended', failure: undefined },
      outputs: [{ kind: 'ended' }],
      last: ['ended'],
    });
  });
});

it('is killed again when it does not end, for one signal may have gone nowhere', () => {
  expect(play(...serving, stop, { kind: 'timer' }, { kind: 'timer' }).last).toEqual(['kill', 'arm']);
});

describe('a daemon that ends without being asked (V1)', () => {
  it('starts again after a pause', () => {
    expect(play(...serving, exited())).toMatchObject({
      state: { kind: 'waiting' },
      outputs: [
        { kind: 'launch' },
        { kind: 'restarting', delayMs: 200, why: 'it ended with exit code 1' },
        { kind: 'arm', delayMs: 200 },
      ],
    });
    expect(play(...serving, exited(), { kind: 'timer' }).last).toEqual(['launch']);
  });

  it('waits longer each time, and gives up when it failed too often within the window (V5)', () => {
    const rounds = Array.from({ length: LIMITS.failuresMax }, (_, round) => [
      exited(round * 1_000),
      { kind: 'timer' } as const,
    ]);
    const { state, outputs } = play({ kind: 'start' }, ...rounds.flat());
    const pauses = outputs.flatMap((output) => (output.kind === 'restarting' ? [output.delayMs] : []));

    expect(pauses).toEqual(LIMITS.pausesMs);
    expect(state.kind === 'ended' && isMillraceError(state.failure, 'DAEMON_FAILED')).toBe(true);
    expect(state).toMatchObject({ failure: { message: expect.stringContaining('it ended with exit code 1') } });
  });

  it('is forgiven what lies before a whole window of service', () => {
    const failures = Array.from({ length: 5 }, () => [exited(0), { kind: 'timer' } as const]).flat();
    const after = play({ kind: 'start' }, ...failures, { kind: 'initialized', atMs: 1 }, exited(1 + LIMITS.windowMs));

    expect(after.outputs.at(-2)).toMatchObject({ kind: 'restarting', delayMs: 200 });
  });

  it('is not forgiven failures within the window by a short service', () => {
    const failures = Array.from({ length: 5 }, () => [exited(0), { kind: 'timer' } as const]).flat();
    const after = play({ kind: 'start' }, ...failures, { kind: 'initialized', atMs: 1 }, exited(2));

    expect(after.outputs.at(-2)).toMatchObject({ kind: 'restarting', delayMs: LIMITS.pausesMs[5] });
  });
});

describe('a daemon under which a host or a relay is lost (V4)', () => {
  const broken: DaemonInput = { kind: 'broken', why: 'host-0 was ended by SIGKILL' };

  it('lets the other sessions finish, for a moment', () => {
    expect(play(...serving, broken).outputs.slice(1)).toEqual([
      { kind: 'leave' },
      { kind: 'arm', delayMs: LIMITS.leaveMs },
    ]);
  });

  it.each(['sessionsGone', 'timer'] as const)('is ended at %s, and starts again only after its exit (V3)', (kind) => {
    expect(play(...serving, broken, { kind }).last).toEqual(['kill', 'arm']);
    expect(play(...serving, broken, { kind }, exited())).toMatchObject({ state: { kind: 'waiting' } });
  });

  it('tells what was lost as the reason, when it ends by itself meanwhile', () => {
    expect(play(...serving, broken, exited()).outputs).toContainEqual(
      expect.objectContaining({ kind: 'restarting', why: 'host-0 was ended by SIGKILL' }),
    );
  });

  it('is ended for good when the worker is stopped meanwhile', () => {
    expect(play(...serving, broken, stop).last).toEqual(['kill', 'arm']);
    expect(play(...serving, broken, stop, exited())).toMatchObject({ state: { kind: 'ended' } });
  });
});

it('moves only where its table says so: after the end nothing does', () => {
  const ended = play(stop).state;
  for (const input of [{ kind: 'start' }, exited(), { kind: 'timer' }, stop] as const)
    expect(stepDaemon(ended, input, LIMITS)).toEqual({ state: ended, outputs: [] });
});
