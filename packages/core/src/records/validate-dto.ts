/**
 * DTO classes: class-transformer builds the instance, class-validator checks it. The only file that knows the two; they
 * are loaded when a consumer declares a DTO, because loading them costs more than everything else at start.
 *
 * Their defaults hold, as users of class-validator expect: unknown properties of the payload are kept, and nothing is
 * converted implicitly. A DTO that wants them gone or refused says so with `@Exclude` or a validator.
 */
import type { ValidationError } from 'class-validator';
import { DefinitionError, MillraceError } from '../errors.js';
import { renderPath, type Validate, type ValidationIssue } from './validate.js';

export type DtoTarget = new () => object;

const packages = {
  validator: () => import('class-validator'),
  transformer: () => import('class-transformer'),
};

/** @throws DEPENDENCY_MISSING when class-validator or class-transformer is not installed. */
export async function loadDtoValidation(load: typeof packages = packages): Promise<(target: DtoTarget) => Validate> {
  const { validate, getMetadataStorage } = await loadPackage('class-validator', load.validator);
  const { plainToInstance } = await loadPackage('class-transformer', load.transformer);
  return (target) => {
    if (getMetadataStorage().getTargetValidationMetadatas(target, '', false, false).length === 0) {
      const message =
        `The DTO ${target.name} has no class-validator decorators, so nothing would be checked. ` +
        'Add them, for example @IsString(), or leave the schema out and take the payload as unknown.';
      throw new DefinitionError([{ code: 'BAD_SCHEMA', message, path: [target.name] }]);
    }
    return async (payload) => {
      if (typeof payload !== 'object' || payload === null || Array.isArray(payload)) {
        return { kind: 'invalid', issues: [{ path: '', message: `expected an object for ${target.name}` }] };
      }
      const value = plainToInstance(target, payload);
      const errors = await validate(value, { forbidUnknownValues: true });
      return errors.length === 0 ? { kind: 'valid', value } : { kind: 'invalid', issues: flatten(errors, []) };
    };
  };
}

/** class-validator nests the errors of nested objects; each leaf becomes one issue with its whole path. */
function flatten(errors: readonly ValidationError[], parents: readonly string[]): readonly ValidationIssue[] {
  return errors.flatMap(({ property, constraints, children }) => {
    const steps = [...parents, property];
    const own = Object.values(constraints ?? {}).map((message) => ({ path: renderPath(steps), message }));
    return [...own, ...flatten(children ?? [], steps)];
  });
}

async function loadPackage<T>(name: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    throw new MillraceError(
      'DEPENDENCY_MISSING',
      `A handler's schema is a DTO class, and ${name} cannot be loaded. ` +
        'Run `npm install class-validator class-transformer`, or use a zod, valibot or arktype schema.',
      { details: { package: name }, cause },
    );
  }
}
