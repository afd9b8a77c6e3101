/** One resolution in progress: the path to what is being built, for cycles and for errors that say where. */
import { MillraceError, toError } from '../errors.js';
import { buildFailed, dependencyCycle, type Path } from './injection-errors.js';

export class Resolution {
  readonly #path: unknown[] = [];
  /** The deepest failure: on its way up tsyringe replaces errors by texts. */
  #failure: MillraceError | undefined;

  get path(): Path {
    return [...this.#path];
  }

  /** Building is synchronous, so one path serves a whole worker. */
  enter<T>(key: unknown, build: () => T): T {
    const repeated = this.#path.includes(key);
    this.#path.push(key);
    try {
      if (repeated) throw dependencyCycle(this.#path);
      return build();
    } catch (thrown) {
      if (this.#failure === undefined || !carries(thrown, this.#failure)) {
        this.#failure = isOurs(thrown) ? thrown : buildFailed(this.#path, toError(thrown));
      }
      throw this.#failure;
    } finally {
      this.#path.pop();
      if (this.#path.length === 0) this.#failure = undefined;
    }
  }
}

/** True when this is the failure on its way up; a factory may also have caught it and thrown something else. */
function carries(thrown: unknown, failure: MillraceError): boolean {
  const firstLine = failure.message.split('\n', 1)[0] ?? '';
  return thrown === failure || (thrown instanceof Error && thrown.message.includes(firstLine));
}

/** What a user's constructor throws, our own classes included, is a cause; only our findings are final. */
function isOurs(thrown: unknown): thrown is MillraceError {
  return thrown instanceof MillraceError && (thrown.code === 'INJECTION_FAILED' || thrown.code === 'METADATA_MISSING');
}
