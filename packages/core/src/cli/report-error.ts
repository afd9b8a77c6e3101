/** How a command says what went wrong: code and message, what caused it, and the stack only for those who ask. */
import { isMillraceError, toError } from '../errors.js';

const CAUSES_MAX = 5;

/** As text for stderr, ending in a line feed. */
export function formatError(thrown: unknown, verbose: boolean): string {
  const error = toError(thrown);
  const lines = [`${headline(error)}${verbose ? stackOf(error) : ''}`];
  let cause = error.cause;
  for (let depth = 0; cause !== undefined && depth < CAUSES_MAX; depth += 1) {
    const { message, name } = toError(cause);
    // Many of our messages end in their cause's message already.
    if (verbose || !error.message.includes(message)) {
      lines.push(`  caused by ${name}: ${indent(message)}${verbose ? stackOf(toError(cause)) : ''}`);
    }
    cause = toError(cause).cause;
  }
  return `${lines.join('\n')}\n`;
}

/** Errors that are nobody's plan are printed with their stack: there is nothing else to go by. */
function headline(error: Error): string {
  if (isMillraceError(error)) return `error ${error.code}: ${error.message}`;
  return `error: ${error.stack ?? error.message}`;
}

function stackOf(error: Error): string {
  const frames = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  return isMillraceError(error) || error.cause !== undefined || frames.length > 0
    ? frames.map((frame) => `\n${frame}`).join('')
    : '';
}

function indent(text: string): string {
  return text.replaceAll('\n', '\n  ');
}
