/** What is said when something cannot be injected: who asked, for what, along which path, and how to mend it. */
import { ownDeclarations } from '../decorators/store.js';
import { type ErrorCode, MillraceError } from '../errors.js';
import type { AnyConstructor, Unusable } from './constructor-parameters.js';
import { serviceKind } from './services.js';

/** From what was asked for first to what is being built now. */
export type Path = readonly unknown[];

function nameOf(token: unknown): string {
  if (typeof token === 'function') return token.name === '' ? '(anonymous class)' : token.name;
  return typeof token === 'string' ? `"${token}"` : String(token);
}

function showPath(path: Path): string {
  return path.map(nameOf).join(' -> ');
}

export interface Demand {
  readonly path: Path;
  readonly owner: AnyConstructor;
  readonly index: number;
}

export function unusableParameter(why: Unusable, { path, owner, index }: Demand): MillraceError {
  const parameter = `Parameter ${index + 1} of the constructor of ${owner.name}`;
  const code: ErrorCode = why.kind === 'builtIn' ? 'INJECTION_FAILED' : 'METADATA_MISSING';
  const message = `${parameter} cannot be injected: ${explain(why, owner)} (${showPath(path)})`;
  return new MillraceError(code, message, {
    details: { class: owner.name, parameter: index, why: why.kind, path: path.map(nameOf) },
  });
}

function explain(why: Unusable, owner: AnyConstructor): string {
  const byToken = 'name it with @inject(TOKEN)';
  switch (why.kind) {
    case 'noMetadata':
      return isDecorated(owner)
        ? 'the compiler did not record its type. Set "experimentalDecorators" and "emitDecoratorMetadata" to true in the ' +
            'tsconfig.json that covers the file; esbuild and tsx never record types: use tsc, SWC, Oxc or ' +
            `\`millrace dev\`, or ${byToken}.`
        : `the class has no decorator, so the compiler did not record its type. Add @injectable() to ${owner.name}.`;
    case 'importCycle':
      return (
        'its class did not exist yet, because two modules import each other. ' +
        'Move one of them, or write @inject(delay(() => TheClass)) with the type Ref<TheClass>.'
      );
    case 'vague':
      return (
        'its type is an interface, a union, a type alias or an `import type`, of which nothing is left at run time. ' +
        `Import the class itself without \`type\`, or ${byToken}.`
      );
    case 'builtIn':
      return `the container cannot make a ${why.name}; ${byToken} and register a value for the token.`;
    default:
      return why satisfies never;
  }
}

function isDecorated(target: AnyConstructor): boolean {
  return serviceKind(target) !== undefined || ownDeclarations(target).length > 0;
}

export function unregistered(token: unknown, path: Path, demand: Omit<Demand, 'path'> | undefined): MillraceError {
  const asks =
    demand === undefined ? 'Asked for was' : `Parameter ${demand.index + 1} of ${demand.owner.name} asks for`;
  const name = nameOf(token);
  const message =
    `${asks} the token ${name}, and nothing is registered for it (${showPath(path)}). ` +
    `Register it where the worker starts: register: (container) => { container.register(${name}, { useValue: ... }); }`;
  return new MillraceError('INJECTION_FAILED', message, {
    details: { token: name, class: demand?.owner.name, parameter: demand?.index, path: path.map(nameOf) },
  });
}

export function registeredGlobally(token: unknown, path: Path): MillraceError {
  const name = nameOf(token);
  const message =
    `${name} is registered in tsyringe's global container only, which all workers and tests of a process would share ` +
    `(${showPath(path)}). Import singleton and injectable from '@millrace/core' instead of tsyringe and register ` +
    "tokens in register; or share the global container knowingly with parent: container from 'tsyringe'.";
  return new MillraceError('INJECTION_FAILED', message, { details: { token: name, path: path.map(nameOf) } });
}

export function dependencyCycle(path: Path): MillraceError {
  const first = path.lastIndexOf(path.at(-1), path.length - 2);
  const cycle = showPath(path.slice(Math.max(first, 0)));
  const message =
    `The constructors need each other in a circle: ${cycle}. Take what both need into a class of its own, ` +
    'or inject one of them late with @inject(delay(() => TheClass)).';
  return new MillraceError('INJECTION_FAILED', message, { details: { cycle, path: path.map(nameOf) } });
}

export function buildFailed(path: Path, cause: Error): MillraceError {
  const message = `${nameOf(path.at(-1))} cannot be built: ${cause.message} (${showPath(path)})`;
  return new MillraceError('INJECTION_FAILED', message, { details: { path: path.map(nameOf) }, cause });
}
