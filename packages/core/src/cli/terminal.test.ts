import { expect, it } from 'vitest';
import { commandName } from './terminal.js';

it.each([
  ['/p/node_modules/.bin/millrace', 'npx millrace'],
  ['C:\\p\\node_modules\\@millrace\\core\\bin\\millrace.js', 'npx millrace'],
  ['/usr/local/bin/millrace', 'millrace'],
  ['', 'millrace'],
])('says how %s is called again', (script, command) => {
  expect(commandName(script)).toBe(command);
});
