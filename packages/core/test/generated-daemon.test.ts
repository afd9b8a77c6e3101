import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { renderDaemonPage } from './generated/render-lifecycle.js';

it('docs/daemon.md has the transitions as the lifecycle makes them (npm run generate:daemon)', () => {
  const page = readFileSync(new URL('../../../docs/daemon.md', import.meta.url), 'utf8');

  expect(page).toBe(renderDaemonPage(page));
});
