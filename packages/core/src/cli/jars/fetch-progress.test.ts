import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../test/support/manual-clock.js';
import { barProgress, formatBar, lineProgress } from './fetch-progress.js';

const jar = { file: 'one-1.0.jar', bytes: 1_500_000 };

describe('the bar', () => {
  it.each([
    [{ jars: 4, bytes: 10_000_000, jarsDone: 1, bytesDone: 5_000_000 }, 15, ' 1/4 jars, 5.0 MB of 10.0 MB'],
    [{ jars: 4, bytes: 10_000_000, jarsDone: 4, bytesDone: 10_000_000 }, 30, ' 4/4 jars, 10.0 MB of 10.0 MB'],
    [{ jars: 4, bytes: 0, jarsDone: 1, bytesDone: 5_000_000 }, 7, ' 1/4 jars, 5.0 MB'],
    [{ jars: 4, bytes: 100, jarsDone: 0, bytesDone: 200 }, 30, ' 0/4 jars, 0.0 MB of 0.0 MB'],
  ])('of %j has %i full cells', (state, full, text) => {
    expect(formatBar(state)).toBe(`${'█'.repeat(full)}${'░'.repeat(30 - full)}${text}`);
  });

  it('is redrawn ten times a second at most, and at the end', async () => {
    const clock = new ManualClock(0);
    const stream = Object.assign(new PassThrough(), { columns: 100, rows: 30, isTTY: true });
    let drawn = '';
    stream.on('data', (chunk: Buffer) => (drawn += chunk.toString()));
    const progress = barProgress(stream as unknown as NodeJS.WriteStream, clock);
    progress.started({ jars: 1, bytes: 2_000_000, mended: ['old.jar'] });
    progress.received(500_000);
    await clock.advance(100);
    progress.received(500_000);
    progress.received(500_000);
    progress.received(500_000);
    progress.finished(jar);
    progress.close();
    expect(drawn).toContain('old.jar is damaged and is fetched again.\n');
    expect(drawn.match(/\d\/1 jars, \d\.\d MB/g)).toEqual(['0/1 jars, 0.0 MB', '0/1 jars, 1.0 MB', '1/1 jars, 2.0 MB']);
  });
});

it('is a line for each jar where nobody watches', () => {
  let text = '';
  const progress = lineProgress((line) => (text += line));
  progress.started({ jars: 2, bytes: 3_000_000, mended: ['old.jar'] });
  progress.received(10);
  progress.finished(jar);
  progress.finished({ file: 'two.jar', bytes: 40_000 });
  progress.close();
  expect(text).toBe('old.jar is damaged and is fetched again.\n1/2 one-1.0.jar 1.5 MB\n2/2 two.jar 0.0 MB\n');
});
