import { fileURLToPath } from 'node:url';

/** Of a program: a path, or a `file:` URL as text. */
export function pathOf(program: string): string {
  return program.startsWith('file:') ? fileURLToPath(program) : program;
}
