import { expect, it } from 'vitest';
import { declared, Story } from './history.fixture.js';
import { checkInvariants } from './invariants.js';

const other = new TextEncoder().encode('something else');
const begun = (): Story => new Story().begin().deliver(1);
const found = (story: Story) => checkInvariants(story.entries, declared());

it('what a handler got in place of its record is told', () => {
  const id = begun().id(1);
  expect(found(begun().handed(1, { data: other }))[0]?.what).toBe(`a handler was given ${id} with other bytes`);
  expect(found(begun().handed(1, { partitionKey: 'K' }))[0]?.what).toBe(
    `a handler was given ${id} with another partition key`,
  );
  expect(found(begun().handed(2))[0]?.what).toBe(`a handler was given ${begun().id(2)}, which was never delivered`);
});

it('a handler is the cause only where one had the record before', () => {
  expect(found(begun().handed(1, { data: other }))[0]?.cause).not.toContain('wrote into');
  expect(found(begun().handed(1).handed(1, { data: other }))[0]?.cause).toContain('wrote into');
});
