/** Derivatives free what they no longer need: the numbers are the same as without, to the bit, and the peak is lower. */
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "@jest/globals";

const program = fileURLToPath(new URL("../../testdata/releases.ts", import.meta.url));

function run(which: string, release: "on" | "off"): Record<string, any> {
  const text = execFileSync(
    process.execPath,
    ["--expose-gc", "--import", "@pullback/compiler-plugin/register", program, which],
    { encoding: "utf8", env: { ...process.env, PULLBACK_RELEASE: release, PULLBACK_THREADS: "1", NODE_OPTIONS: "" } },
  );
  return JSON.parse(text);
}

test("programs of every shape find the same, and what they keep stays readable", () => {
  const found = run("programs", "on");
  expect(found.found.length).toBe(12);
  expect(found.kept.length).toBeGreaterThan(2);
  expect(found).toEqual(run("programs", "off"));
}, 120_000);

test.each([
  ["mlp", 0.8],
  ["transformer", 0.8],
])(
  "a step of the %s reaches a lower peak",
  (which, share) => {
    const on = run(which, "on");
    const off = run(which, "off");
    expect(on.found).toEqual(off.found);
    expect(on.before).toBe(off.before);
    expect((on.peak - on.before) / (off.peak - off.before)).toBeLessThan(share);
  },
  120_000,
);
