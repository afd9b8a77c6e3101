import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { CONFIGURATION_ISSUES, CONFIGURATION_NOTICES } from '../src/config/issues.js';
import { DEFINITION_ISSUES } from '../src/definition/issues.js';
import { ERROR_CODES } from '../src/errors.js';
import { renderErrorPage } from './generated/render-errors.js';

const source = fileURLToPath(new URL('../src', import.meta.url));
const page = () => readFileSync(new URL('../../../docs/errors.md', import.meta.url), 'utf8');

/** `protocol/` has codes for its refusals; the runtime turns them into errors of the catalogue. */
function codesInTheSources(): readonly string[] {
  return readdirSync(source, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts') && !/\.(test|fixture)\.ts$/.test(path) && !path.startsWith('protocol'))
    .flatMap((path) => [...readFileSync(join(source, path), 'utf8').matchAll(/\bcode: '([A-Z_]+)'/g)])
    .map((match) => match[1] ?? '');
}

describe('docs/errors.md (npm run generate:errors)', () => {
  it('says what the catalogues say', () => {
    expect(page()).toBe(renderErrorPage(page()));
  });

  it('has a row for every error', () => {
    const rows = page();
    const missing = Object.keys(ERROR_CODES).filter((code) => !rows.includes(`| \`${code}\``));

    expect(missing).toEqual([]);
  });

  it('refuses a page that has lost its markers', () => {
    expect(() => renderErrorPage('# Errors')).toThrow('docs/errors.md has lost its marker');
  });
});

describe('the catalogues of errors', () => {
  it('know every code that the sources write down', () => {
    const known = { ...ERROR_CODES, ...DEFINITION_ISSUES, ...CONFIGURATION_ISSUES, ...CONFIGURATION_NOTICES };
    const written = codesInTheSources();

    expect(written.length).toBeGreaterThan(0);
    expect(written.filter((code) => !(code in known))).toEqual([]);
  });

  it('give no code two meanings', () => {
    const codes = [ERROR_CODES, DEFINITION_ISSUES, CONFIGURATION_ISSUES, CONFIGURATION_NOTICES].flatMap((catalogue) =>
      Object.keys(catalogue),
    );

    expect(codes.filter((code, index) => codes.indexOf(code) !== index)).toEqual([]);
  });
});
