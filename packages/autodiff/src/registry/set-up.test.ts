import { afterEach, expect, test } from "@jest/globals";
import { setUpSteps } from "./set-up.ts";

const { process } = globalThis;
const { JEST_WORKER_ID, VITEST } = process.env;
afterEach(() => {
  globalThis.process = process;
  process.env.JEST_WORKER_ID = JEST_WORKER_ID;
  if (VITEST === undefined) delete process.env.VITEST;
});

const first = () => setUpSteps().split("\n")[1];

test("under jest, the transformer first", () => {
  expect(first()).toContain('"@pullback/compiler-plugin/jest"');
});

test("in Node, the command and the hook first", () => {
  delete process.env.JEST_WORKER_ID;
  expect(first()).toContain("npx pullback run");
  expect(first()).toContain("node --import @pullback/compiler-plugin/register");
});

test("in Vitest and in browsers, the bundler plugins first", () => {
  process.env.VITEST = "true";
  expect(first()).toContain('"@pullback/compiler-plugin/vite"');
  delete process.env.VITEST;
  // @ts-expect-error: browsers have none
  globalThis.process = undefined;
  expect(first()).toContain('"@pullback/compiler-plugin/vite"');
});

test("the steps for the other hosts follow", () => {
  expect(setUpSteps().split("\n")).toHaveLength(4);
});
