// Prints jest's JSON results as one line, `N passed, N failed`, and fails when a test or a whole suite failed.
import { readFileSync } from "node:fs";

let results;
try {
  results = JSON.parse(readFileSync(process.argv[2], "utf8"));
} catch {
  // jest never came as far as writing its results.
  results = { numPassedTests: 0, numFailedTests: 0, numRuntimeErrorTestSuites: 1, numPendingTests: 0, numTodoTests: 0 };
}
// A suite that could not even be loaded counts as one failure: none of its tests are in the other numbers.
const failed = results.numFailedTests + results.numRuntimeErrorTestSuites;
const skipped = results.numPendingTests + results.numTodoTests;
console.log(`${results.numPassedTests} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
process.exit(failed > 0 ? 1 : 0);
