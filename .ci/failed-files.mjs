// Prints the test files of a vitest report that failed, one on a line, relative to where it is called.
import { readFileSync } from 'node:fs';
import { relative } from 'node:path';

const { testResults } = JSON.parse(readFileSync(process.argv[2], 'utf8'));
for (const { name, status } of testResults) if (status === 'failed') console.log(relative(process.cwd(), name));
