import { describe, expect, it } from 'vitest';
import { ConfigurationError, MillraceError } from './errors.js';
import { formatError } from './format-error.js';

describe('an error of ours', () => {
  it('is code and message', () => {
    expect(formatError(new MillraceError('STREAM_NOT_FOUND', 'No such stream.'), false)).toBe(
      'error STREAM_NOT_FOUND: No such stream.\n',
    );
  });

  it('lists every mistake', () => {
    const issues = ['One.', 'Two.'].map((message) => ({ code: 'X', message, path: [] }));
    expect(formatError(new ConfigurationError(issues), false)).toBe(
      'error CONFIGURATION_INVALID: The configuration is wrong (2 mistakes):\n  - [X] One.\n  - [X] Two.\n',
    );
  });

  it('names causes that its own text does not tell', () => {
    const cause = new TypeError('bad\nvery', { cause: new Error('worse') });
    expect(formatError(new MillraceError('SOURCE_FAILED', 'It failed.', { cause }), false)).toBe(
      'error SOURCE_FAILED: It failed.\n  caused by TypeError: bad\n  very\n  caused by Error: worse\n',
    );
    expect(
      formatError(new MillraceError('SOURCE_FAILED', 'It failed: worse.', { cause: new Error('worse') }), false),
    ).toBe('error SOURCE_FAILED: It failed: worse.\n');
  });

  it('shows stacks to those who ask', () => {
    const text = formatError(new MillraceError('SOURCE_FAILED', 'It failed.', { cause: new Error('worse') }), true);
    expect(text).toMatch(/^error SOURCE_FAILED: It failed\.\n\s+at .*format-error\.test/);
    expect(text).toMatch(/caused by Error: worse\n\s+at /);
  });

  it('does not follow causes for ever', () => {
    const error = new Error('again');
    error.cause = error;
    expect(
      formatError(new MillraceError('SOURCE_FAILED', 'It failed.', { cause: error }), false).split('\n'),
    ).toHaveLength(7);
  });
});

it('shows the stack of an error that nobody planned, once', () => {
  for (const verbose of [false, true]) {
    const text = formatError(new RangeError('surprise'), verbose);
    expect(text).toMatch(/^error: RangeError: surprise\n\s+at /);
    expect(text.match(/format-error\.test/g)).toHaveLength(1);
  }
});

it('reports what is no error at all', () => {
  expect(formatError('text', false)).toMatch(/^error HANDLER_FAILED: .*text\n/);
});
