import { describe, expect, it } from 'vitest';
import { isMillraceError } from '../errors.js';
import { loadDtoValidation } from './validate-dto.js';
import { renderPath } from './validate.js';

const missing = (name: string) =>
  Promise.reject(Object.assign(new Error(`Cannot find package '${name}'`), { code: 'ERR_MODULE_NOT_FOUND' }));

describe('DTO validation without its packages', () => {
  it.each(['class-validator', 'class-transformer'])('says which command installs %s', async (name) => {
    const load = {
      validator: () => (name === 'class-validator' ? missing(name) : import('class-validator')),
      transformer: () => missing(name),
    };
    const error: unknown = await loadDtoValidation(load).catch((thrown: unknown) => thrown);
    expect(isMillraceError(error, 'DEPENDENCY_MISSING') && error.details).toEqual({ package: name });
    expect(error).toMatchObject({
      message: expect.stringContaining('npm install class-validator class-transformer') as string,
    });
  });
});

describe('renderPath', () => {
  it.each([
    [[], ''],
    [['a'], 'a'],
    [['a', 'b'], 'a.b'],
    [['items', 2, 'price'], 'items[2].price'],
    [['items', '2'], 'items[2]'],
    [[0, 'a'], '[0].a'],
    [[Symbol('s')], 'Symbol(s)'],
  ])('%j', (steps, path) => {
    expect(renderPath(steps)).toBe(path);
  });
});
