import { describe, expect, it } from 'vitest';
import { mistakesOf, resolveScenario, valueOf } from './resolve.fixture.js';

const MOMENT = '2026-01-31T08:00:00Z';
const SECONDS = '1769846400';

describe('a moment to start at', () => {
  it.each([
    [{ initialPositionInStream: MOMENT }],
    [{ initialPositionInStream: '2026-01-31T08:00:00.999Z' }],
    [{ initialPositionInStream: new Date(MOMENT) }],
    [{ initialPositionInStream: { timestamp: MOMENT } }],
    [{ initialPositionInStream: { timestamp: new Date(MOMENT) } }],
    [{ initialPositionInStreamExtended: Number(SECONDS) }],
    [{ initialPositionInStreamExtended: SECONDS }],
    [{ initialPositionInStreamExtended: new Date(MOMENT) }],
    [{ initialPositionInStream: 'AT_TIMESTAMP', initialPositionInStreamExtended: MOMENT }],
  ])('is written as whole seconds, and alone: %j', (declared) => {
    const resolved = resolveScenario({ declared });

    expect(valueOf(resolved, 'initialPositionInStreamExtended')).toBe(SECONDS);
    expect(valueOf(resolved, 'initialPositionInStream')).toBeUndefined();
    expect(resolved.settings.initialPosition).toEqual({ kind: 'AT_TIMESTAMP', timestampMs: Number(SECONDS) * 1000 });
  });

  it.each([
    ['the environment', { env: { MILLRACE_INITIAL_POSITION_IN_STREAM: MOMENT } }],
    ['a file', { text: `initialPositionInStreamExtended=${SECONDS}` }],
    [
      'a file that says at_timestamp, too',
      { text: `initialPositionInStream=at_timestamp\ninitialPositionInStreamExtended=${SECONDS}` },
    ],
  ])('may come from %s', (_, scenario) => {
    expect(valueOf(resolveScenario(scenario), 'initialPositionInStreamExtended')).toBe(SECONDS);
  });
});

describe('two positions', () => {
  it.each([
    [
      'the environment wins over a declared moment',
      { declared: { initialPositionInStreamExtended: 5 }, env: { MILLRACE_INITIAL_POSITION_IN_STREAM: 'LATEST' } },
      'LATEST',
    ],
    [
      'the environment wins over a declared word',
      { declared: { initialPositionInStream: 'LATEST' }, env: { MILLRACE_INITIAL_POSITION_IN_STREAM_EXTENDED: '5' } },
      'AT_TIMESTAMP',
    ],
  ])('in different places: %s', (_, scenario, kind) => {
    expect(resolveScenario(scenario).settings.initialPosition.kind).toBe(kind);
  });

  it.each([
    [
      { initialPositionInStream: 'LATEST', initialPositionInStreamExtended: 5 },
      'ILLEGAL_COMBINATION initialPositionInStream = LATEST',
    ],
    [{ initialPositionInStream: MOMENT, initialPositionInStreamExtended: 5 }, 'the daemon would take either at random'],
  ])('in one place exclude each other: %j', (declared, message) => {
    expect(mistakesOf({ declared })[0]).toContain(message);
  });

  it('may say the same', () => {
    const resolved = resolveScenario({
      declared: { initialPositionInStream: MOMENT, initialPositionInStreamExtended: Number(SECONDS) },
    });

    expect(resolved.properties.filter(({ name }) => name.startsWith('initialPosition'))).toHaveLength(1);
  });
});

describe('positions that are refused', () => {
  it.each([
    [
      { initialPositionInStream: 'AT_TIMESTAMP' },
      'ILLEGAL_COMBINATION initialPositionInStream = AT_TIMESTAMP (@KinesisConsumer) does not say when.',
    ],
    [{ initialPositionInStream: 'OLDEST' }, 'BAD_ENUM'],
    [{ initialPositionInStream: '2026-01-31' }, 'WRONG_TYPE'],
    [{ initialPositionInStream: 1_769_846_400 }, 'is a bare number, which could mean seconds or milliseconds'],
    [{ initialPositionInStream: {} }, 'is not a moment'],
    [{ initialPositionInStream: null }, 'is not a moment'],
    [{ initialPositionInStreamExtended: 1_769_846_400_000 }, 'looks like milliseconds. Write 1769846400.'],
    [{ initialPositionInStreamExtended: -5 }, 'OUT_OF_RANGE'],
    [{ initialPositionInStreamExtended: 1.5 }, 'WRONG_TYPE'],
    [{ initialPositionInStreamExtended: '1960-01-01T00:00:00Z' }, 'lies before 1970'],
  ])('%j', (declared, message) => {
    const mistakes = mistakesOf({ declared });

    expect(mistakes).toHaveLength(1);
    expect(mistakes[0]).toContain(message);
  });
});

describe('words', () => {
  it.each([
    ['latest', 'LATEST'],
    ['trim_horizon', 'TRIM_HORIZON'],
  ])('are written as the daemon spells them: %s', (given, word) => {
    const resolved = resolveScenario({ text: `initialPositionInStream = ${given} \n` });

    expect(valueOf(resolved, 'initialPositionInStream')).toBe(word);
    expect(resolved.settings.initialPosition).toEqual({ kind: word });
  });
});
