/** What a run shows, in a terminal and elsewhere. */
import { describe, expect, test } from "@jest/globals";
import { tensor, zeros } from "@pullback/core";
import { formatCount, formatDuration } from "./clock.ts";
import { lossCurve } from "./index.ts";
import { Progress } from "./progress.ts";

function recorder(isTTY: boolean) {
  const written: string[] = [];
  return { written, stream: { isTTY, columns: 80, write: (text: string) => written.push(text) } };
}

describe("Progress", () => {
  const batch = { images: zeros([32, 4]), labels: tensor([1]) };

  test("redraws one line in a terminal: loss, throughput, time left", () => {
    const { written, stream } = recorder(true);
    let now = 0;
    const progress = new Progress(10, { stream }, () => now);
    for (let step = 1; step <= 10; step++) {
      now = step * 0.5;
      progress.update(step, 2, batch);
    }
    progress.finish("done");
    expect(written).toHaveLength(11);
    expect(written[4]).toBe(
      `\r\x1b[K${"█".repeat(15)}${"░".repeat(15)} step  5/10  loss 2.0000  64 samples/s  3 s left`,
    );
    expect(written[9]).toContain("step 10/10  loss 2.0000  64 samples/s  in 5 s");
    expect(written[10]).toBe("\ndone\n");
  });

  test("is not redrawn for every fast step", () => {
    const { written, stream } = recorder(true);
    let now = 0;
    const progress = new Progress(1000, { stream }, () => now);
    for (let step = 1; step <= 1000; step++) {
      now = step / 1000;
      progress.update(step, 1, batch);
    }
    expect(written.length).toBeLessThanOrEqual(11);
  });

  test("writes a plain line now and then elsewhere", () => {
    const { written, stream } = recorder(false);
    let now = 0;
    const progress = new Progress<unknown>(undefined, { stream, unit: "tokens", count: () => 500 }, () => now);
    for (let step = 1; step <= 30; step++) {
      now = step;
      progress.update(step, 31 - step, batch);
    }
    progress.finish();
    expect(written).toHaveLength(4);
    expect(written[0]).toBe("step 1  loss 30.0000  500 tokens/s  1 s\n");
    expect(written[3]).toBe("");
  });
});

test("durations and counts", () => {
  expect([0, 59.4, 65, 3725].map(formatDuration)).toEqual(["0 s", "59 s", "1:05", "1:02:05"]);
  expect([0.5, 3, 42, 950, 1234, 456789, 1.5e6].map(formatCount)).toEqual([
    "0.50",
    "3",
    "42",
    "950",
    "1.23k",
    "457k",
    "1.50M",
  ]);
});

describe("lossCurve", () => {
  test("falls from the top left to the bottom right", () => {
    const losses = Array.from({ length: 8 }, (_, i) => 8 - i);
    expect(lossCurve(losses, { width: 4, height: 2 })).toBe(
      ["8.000 ┤⠑⢄⠀⠀", "1.000 ┤⠀⠀⠑⢄", "      └ loss over 8 steps"].join("\n"),
    );
  });

  test("averages when there are more steps than columns, and draws steep falls as lines", () => {
    const lines = lossCurve([4, 4, 4, 4, 0, 0, 0, 0], { width: 1, height: 1 }).split("\n");
    expect(lines[0]).toBe("4.000 ┤⢱"); // dots: left column at the top, right one from the second row down
  });

  test("of nothing, of one value and of losses that are not finite", () => {
    expect(lossCurve([])).toBe("");
    expect(lossCurve([2, 2], { width: 2, height: 1 })).toContain("2.000");
    expect(lossCurve([Number.NaN, 1, Number.POSITIVE_INFINITY])).toContain("loss over 3 steps");
  });
});
