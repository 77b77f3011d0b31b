/** Whole programs against central differences: the fixtures, one per construct and refusal, and random programs. */
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

test("random programs agree with central differences or are refused with a code", () => {
  const { status, stdout, stderr } = run("random-programs.mjs", "--count", "60", "--seed", "7");
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  for (const feature of ["loops", "array writes", "structs", "closures", "aliases"]) {
    const share = new RegExp(`with ${feature}: \\d+ \\((\\d+\\.\\d) %\\)`).exec(stdout)?.[1];
    expect(Number(share)).toBeGreaterThanOrEqual(30);
  }
}, 600_000);
