/** How a command says what went wrong: code and message, what caused it, and the stack only for those who ask. */
import { isMillraceError, toError } from './errors.js';

const CAUSES_MAX = 5;

/** As text for stderr, ending in a line feed. */
export function formatError(thrown: unknown, verbose: boolean): string {
  const error = toError(thrown);
  const lines = [headline(error, verbose)];
  let { cause } = error;
  for (let depth = 0; cause !== undefined && depth < CAUSES_MAX; depth += 1) {
    const current = toError(cause);
    // Many of our messages end in their cause's message already.
    if (verbose || !error.message.includes(current.message)) lines.push(causeLine(current, verbose));
    cause = current.cause;
  }
  return `${lines.join('\n')}\n`;
}

/** Errors that are nobody's plan are printed with their stack: there is nothing else to go by. */
function headline(error: Error, verbose: boolean): string {
  if (!isMillraceError(error)) return `error: ${error.stack ?? error.message}`;
  return `error ${error.code}: ${error.message}${verbose ? frames(error) : ''}`;
}

function causeLine(cause: Error, verbose: boolean): string {
  return `  caused by ${cause.name}: ${indent(cause.message)}${verbose ? frames(cause) : ''}`;
}

function frames({ stack = '' }: Error): string {
  const lines = stack.split('\n').filter((line) => /^\s+at /.test(line));
  return lines.map((line) => `\n${line}`).join('');
}

function indent(text: string): string {
  return text.replaceAll('\n', '\n  ');
}
