/** Every example runs: a short form of those that learn for a minute, the others as they are. */
import { afterEach, beforeEach, expect, jest, test } from "@jest/globals";

// Most of it is compiling, which a busy machine makes long.
jest.setTimeout(300_000);

let written = "";
const { argv } = process;
beforeEach(() => {
  written = "";
  jest.spyOn(console, "log").mockImplementation((...text: unknown[]) => {
    written += `${text.join(" ")}\n`;
  });
  jest.spyOn(process.stderr, "write").mockReturnValue(true);
});
afterEach(() => {
  process.argv = argv;
  jest.restoreAllMocks();
});

/** Imports an example as if it were started with these arguments; its numbers where `pattern` has groups. */
async function run(example: () => Promise<unknown>, args: string, pattern: RegExp): Promise<number[]> {
  process.argv = [...argv.slice(0, 1), "example", ...args.split(" ").filter((word) => word !== "")];
  await example();
  const found = pattern.exec(written);
  if (found === null) throw new Error(`the example wrote:\n${written}`);
  return found.slice(1).map(Number);
}

const number = "([-\\d.e+]+)";
const falls = (what: string) => new RegExp(`${what} ${number} -> ${number}`);

test("classify-digits", async () => {
  const result = new RegExp(`loss ${number} -> ${number}\n${number} % of 500 new images right`);
  const [first, last, percent] = await run(() => import("./classify-digits.ts"), "--images 320", result);
  expect(last).toBeLessThan(first / 1.3);
  expect(percent).toBeGreaterThan(25);
});

test("write-sonnets", async () => {
  const [first, last] = await run(() => import("./write-sonnets.ts"), "--steps 12", falls("loss"));
  expect(last).toBeLessThan(first);
  expect(written).toMatch(/Shall I.{100}/s);
});

test("generate-shapes", async () => {
  const [first, last] = await run(() => import("./generate-shapes.ts"), "--steps 40", falls("bound"));
  expect(last).toBeLessThan(first / 1.5);
});

test("add-numbers", async () => {
  const [first, last] = await run(() => import("./add-numbers.ts"), "--steps 20", falls("loss"));
  expect(last).toBeLessThan(first);
  expect(written).toMatch(/% of \d+ unseen sums right/);
});

test("cart-pole", async () => {
  const [mean] = await run(() => import("./cart-pole.ts"), "--updates 3", /after 3 updates the pole stands ([\d.]+)/);
  expect(mean).toBeGreaterThan(10);
});

test("control-waves", async () => {
  const [first, last] = await run(() => import("./control-waves.ts"), "--updates 8", falls("mismatch"));
  expect(last).toBeLessThan(first / 2);
});

test("fit-spline", async () => {
  const distance = new RegExp(`person's curve: ${number} before, ${number} after`);
  const [before, after] = await run(() => import("./fit-spline.ts"), "", distance);
  expect(after).toBeLessThan(before / 2);
});

test("fit-rotation", async () => {
  const angle = new RegExp(`angle to the true rotation: ${number}°`);
  const [degrees] = await run(() => import("./fit-rotation.ts"), "", angle);
  expect(degrees).toBeLessThan(0.5);
});
