import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { renderPage, renderTypes } from './generated/render-config.js';

const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8');

describe('what is generated from the property table (npm run generate:config)', () => {
  it('has the types as they stand in definition/kcl-properties.ts', () => {
    expect(read('../src/definition/kcl-properties.ts')).toBe(renderTypes());
  });

  it('has the tables as they stand in docs/configuration.md', () => {
    const page = read('../../../docs/configuration.md');

    expect(page).toBe(renderPage(page));
  });

  it('refuses a page that has lost its markers', () => {
    expect(() => renderPage('# Configuration')).toThrow('docs/configuration.md has lost its marker');
  });
});
