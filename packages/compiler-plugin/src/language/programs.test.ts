/** Whole programs against central differences: the fixtures, one per construct and refusal, and what is drawn by chance. */
import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "@jest/globals";

const scripts = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "..", "..", "scripts", "trust");

function run(script: string, ...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(scripts, script), ...args], {
    encoding: "utf8",
    maxBuffer: 2 ** 26,
  });
  return { status, stdout, stderr };
}

test("every fixture is what its expectation says, and its derivatives agree with central differences", () => {
  expect(run("fixtures.mjs")).toMatchObject({ status: 0, stderr: "" });
}, 600_000);

test("random programs, in every mode and order", () => {
  expect(run("random-programs.mjs", "--seed", "1", "--count", "200")).toMatchObject({
    status: 0,
    stderr: "",
  });
}, 600_000);
