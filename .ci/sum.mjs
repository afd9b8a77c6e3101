// Prints the sum over all suites, `N passed, N failed`, and fails when anything failed or nothing ran.
//
// Before it every failure stands once more with its reason, so that the end of a log is enough to know what to mend.
//
// In the folder of reports, `x.json` is what vitest wrote about suite x; `x.passed` and `x.failed` say how the command of
// x ended. A suite that failed although every test in its report passed, or without a report, counts as one failure.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const folder = process.argv[2];
const files = readdirSync(folder);
let passed = files.filter((file) => file.endsWith('.passed')).length;
let failed = 0;

for (const suite of new Set(files.map((file) => file.replace(/\.\w+$/, '')))) {
  const report = files.includes(`${suite}.json`)
    ? JSON.parse(readFileSync(join(folder, `${suite}.json`), 'utf8'))
    : undefined;
  const failures = report === undefined ? 0 : report.numFailedTests + unloadedFiles(report);
  passed += report?.numPassedTests ?? 0;
  failed += failures === 0 && files.includes(`${suite}.failed`) ? 1 : failures;
  if (report !== undefined) printFailures(suite, report);
  if (files.includes(`${suite}.failed`))
    console.log(`\n${suite} failed: ${readFileSync(join(folder, `${suite}.failed`), 'utf8').trim()}`);
}

console.log(`\n${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;

/** Files that failed before their first test ran. */
function unloadedFiles(report) {
  return report.testResults.filter(
    ({ status, assertionResults }) => status === 'failed' && assertionResults.length === 0,
  ).length;
}

function printFailures(suite, { testResults }) {
  for (const { name, message, assertionResults } of testResults) {
    const tests = assertionResults.filter(({ status }) => status === 'failed');
    for (const { fullName, failureMessages } of tests)
      console.log(`\nfailed in ${suite}: ${name}\n  ${fullName}\n${excerpt(failureMessages.join('\n'))}`);
    if (tests.length === 0 && message !== '') console.log(`\nfailed in ${suite}: ${name}\n${excerpt(message)}`);
  }
}

function excerpt(text) {
  const lines = text.split('\n');
  return [...lines.slice(0, 40), ...(lines.length > 40 ? [`(${lines.length - 40} lines more)`] : [])].join('\n');
}
