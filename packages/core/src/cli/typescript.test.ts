import { expect, it } from 'vitest';
import { probeDecorators } from './typescript.js';

it.each([
  ['full', '_decorateMetadata("design:paramtypes", [Date])'],
  ['withoutMetadata', '_decorate([d], Probe)'],
] as const)('knows %s decorator support by what the compiler wrote', (support, written) => {
  expect(probeDecorators(() => written)).toBe(support);
});

it('takes a refusal for no support', () => {
  const refuse = () => {
    throw new Error('decorators require "experimentalDecorators"');
  };
  expect(probeDecorators(refuse)).toBe('none');
});
