/** The first test of a newcomer, on Node's own test runner. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { handler } from '@millrace/testing';
import { Notebook, NoteTaker } from './note-taker.js';

class FakeNotebook extends Notebook {
  readonly lines: string[] = [];
  override write(line: string): void {
    this.lines.push(line);
  }
}

void test('takes a note', async () => {
  const notebook = new FakeNotebook();
  const take = handler(NoteTaker, 'take', { overrides: [{ token: Notebook, useValue: notebook }] });

  const outcome = await take.run({ text: 'buy milk' });

  assert.equal(outcome.error, undefined);
  assert.equal(outcome.kind, 'handled');
  assert.match(notebook.lines.join(), /^shardId-\d+:\d+:0 buy milk$/);
});

void test('refuses a note without text', async () => {
  const outcome = await handler(NoteTaker, 'take').run({ text: 1 } as never);

  assert.equal(outcome.kind, 'failed');
});
