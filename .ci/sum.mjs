// Prints the sum over all suites, `N passed, N failed`, and fails when anything failed or nothing ran.
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
}

console.log(`\n${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;

/** Files that failed before their first test ran. */
function unloadedFiles(report) {
  return report.testResults.filter(
    ({ status, assertionResults }) => status === 'failed' && assertionResults.length === 0,
  ).length;
}
