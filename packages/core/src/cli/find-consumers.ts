/** Which exports of a module are consumers. */
import { isClass } from '../definition/classes.js';
import { ownDeclarations } from '../decorators/store.js';
import { MillraceError } from '../errors.js';
import type { Consumer, WorkerOptions } from '../worker-options.js';

type RegisterServices = NonNullable<WorkerOptions['register']>;

export interface FoundConsumers {
  readonly consumers: readonly Consumer[];
  /** The module's own `register`, which takes the place of the option that a main.ts would pass to `run`. */
  readonly register: RegisterServices | undefined;
}

/**
 * Every exported class with @KinesisConsumer and everything that defineConsumer returned, each once, whatever its name.
 *
 * @throws MillraceError MODULE_NOT_LOADED when there is none, with what the module does export.
 */
export function findConsumers(exports: Readonly<Record<string, unknown>>, file: string): FoundConsumers {
  const consumers = [...new Set(Object.values(exports))].filter(isConsumer);
  if (consumers.length === 0) throw noConsumer(exports, file);
  const { register } = exports;
  return { consumers, register: typeof register === 'function' ? (register as RegisterServices) : undefined };
}

/** The class's name, or the name given to defineConsumer. */
export function nameOf(consumer: Consumer): string {
  return consumer.name;
}

/** Own declarations only: a subclass that says nothing itself is somebody's building block. */
function isConsumer(value: unknown): value is Consumer {
  if (isClass(value)) return ownDeclarations(value).some(({ kind }) => kind === 'consumer');
  return typeof value === 'object' && value !== null && 'handlers' in value && 'applicationName' in value;
}

function noConsumer(exports: Readonly<Record<string, unknown>>, file: string): MillraceError {
  const names = Object.keys(exports);
  const listed = names.map((name) => `${name} (${describe(exports[name])})`);
  const found = names.length === 0 ? 'It exports nothing.' : `It exports ${listed.join(', ')}.`;
  return new MillraceError(
    'MODULE_NOT_LOADED',
    `${file} exports no consumer. ${found} Export a class with @KinesisConsumer, or what defineConsumer returned.`,
    { details: { file, exports: names } },
  );
}

function describe(value: unknown): string {
  if (!isClass(value)) return value === null ? 'null' : typeof value;
  return ownDeclarations(value).length > 0 ? 'a class with handlers, but without @KinesisConsumer' : 'class';
}
