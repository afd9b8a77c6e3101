import { defineConsumer, recordHandler } from '@millrace/core';
import { handler } from '@millrace/testing';
import { expect, test } from 'vitest';

const scraper = defineConsumer({
  name: 'Scraper',
  stream: 'pages',
  applicationName: 'scraper',
  handlers: [
    recordHandler({
      name: 'fetched',
      handle: (_page, { signal }) =>
        new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))),
    }),
  ],
});

test('a page that does not come is given up', async () => {
  const outcome = await handler(scraper, 'fetched', { timeoutMs: 10_000 }).run({ url: 'https://example.com' });

  expect(outcome).toMatchObject({ kind: 'failed', error: { code: 'HANDLER_TIMEOUT' } });
});
