// Prints the sum over all suites, `N passed, N failed`, and fails when anything failed or nothing ran.
//
// Before it every failure stands once more with its reason, so that the end of a log is enough to know what to mend.
//
// In the folder of reports, `x.json` is what vitest wrote about suite x, and `x.again.json` about those of its files that were run
// once more; `x.passed` and `x.failed` say how the command of x ended. A suite that failed although every test in its report
// passed, or without a report, counts as one failure.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const folder = process.argv[2];
const files = readdirSync(folder);
let passed = files.filter((file) => file.endsWith('.passed')).length;
let failed = 0;

for (const suite of new Set(files.map((file) => file.slice(0, file.indexOf('.'))))) {
  const report = read(`${suite}.json`);
  const again = read(`${suite}.again.json`);
  const isFailed = files.includes(`${suite}.failed`);
  // What was run again counts as it went then.
  const results = (report?.testResults ?? []).map(
    (one) => again?.testResults.find(({ name }) => name === one.name) ?? one,
  );
  const failures = results.reduce((sum, one) => sum + failuresIn(one), 0);
  passed += results
    .flatMap(({ assertionResults }) => assertionResults)
    .filter(({ status }) => status === 'passed').length;
  failed += failures === 0 && isFailed ? 1 : failures;
  printFailures(again === undefined ? `failed in ${suite}` : `failed at first in ${suite}`, report);
  printFailures(`failed again in ${suite}`, again);
  if (isFailed) console.log(`\n${suite} failed: ${readFileSync(join(folder, `${suite}.failed`), 'utf8').trim()}`);
}

console.log(`\n${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;

function read(file) {
  return files.includes(file) ? JSON.parse(readFileSync(join(folder, file), 'utf8')) : undefined;
}

/** A file that failed before its first test ran is one. */
function failuresIn({ status, assertionResults }) {
  if (assertionResults.length === 0) return status === 'failed' ? 1 : 0;
  return assertionResults.filter((test) => test.status === 'failed').length;
}

function printFailures(what, report) {
  for (const { name, message, assertionResults } of report?.testResults ?? []) {
    const tests = assertionResults.filter(({ status }) => status === 'failed');
    for (const { fullName, failureMessages } of tests)
      console.log(`\n${what}: ${name}\n  ${fullName}\n${excerpt(failureMessages.join('\n'))}`);
    if (tests.length === 0 && message !== '') console.log(`\n${what}: ${name}\n${excerpt(message)}`);
  }
}

function excerpt(text) {
  const lines = text.split('\n');
  return [...lines.slice(0, 40), ...(lines.length > 40 ? [`(${lines.length - 40} lines more)`] : [])].join('\n');
}
