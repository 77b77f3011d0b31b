/** Loops in a trace: another number of repetitions needs no new program. And what is written when a dump is asked for. */
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { closeBackend, type Tensor, tensor, useBackend, withBackend } from "../../index.ts";
import { dumpTo } from "./dump.ts";
import { lazyBackend } from "./index.ts";

const { programs } = lazyBackend.recorder;

beforeAll(() => useBackend("lazy"));
afterAll(() => closeBackend("lazy"));

const numbers = (count: number, from: number): Float32Array =>
  Float32Array.from({ length: count }, (_, i) => Math.sin(from + i) * 0.3);

/** A recurrent network over `length` steps: its outputs' mean square, and each state's influence on the next. */
function recurrent(length: number): Tensor {
  const input = tensor(numbers(length * 12, 1), { shape: [length, 3, 4] });
  const [inner, outer] = [tensor(numbers(24, 2), { shape: [4, 6] }), tensor(numbers(36, 3), { shape: [6, 6] })];
  let state = tensor(numbers(18, 4), { shape: [3, 6] });
  for (let t = 0; t < length; t++) {
    const gate = state.matmul(outer).sigmoid();
    state = input.slice(t).matmul(inner).add(state.matmul(outer)).tanh().mul(gate).add(state.mul(0.5));
  }
  return state.square().mean();
}

describe("a loop in a trace", () => {
  test("is compiled once for 20 and for 37 repetitions", async () => {
    const wanted = await withBackend("eager", () => [20, 37].map((length) => recurrent(length).item()));
    for (let i = 0; i < 2; i++) expect(recurrent(20).item()).toBeCloseTo(wanted[0]!, 6);
    const before = { ...programs.metrics };
    expect(recurrent(37).item()).toBeCloseTo(wanted[1]!, 6);
    expect(programs.metrics.programs).toBe(before.programs);
    expect(programs.metrics.interpreted).toBe(before.interpreted);
    expect(programs.metrics.compiledRuns).toBeGreaterThan(before.compiledRuns);
  });
});

describe("the dump", () => {
  test("shows cuts, graphs, groups and why a program is compiled again", () => {
    const lines: string[] = [];
    const before = programs.observer;
    programs.observer = dumpTo((text) => lines.push(text));
    const kept: Tensor[] = [];
    try {
      for (let i = 0; i < 4; i++) {
        const x = tensor([1, 2, 3, 4]).mul(2);
        const y = x.add(1).tanh();
        y.dataSync();
        if (i === 2) x.dataSync();
        kept.push(x);
      }
    } finally {
      programs.observer = before;
    }
    const text = lines.join("\n");
    expect(text).toMatch(/cut by observation: 3 operations/);
    expect(text).toMatch(/run one by one: new/);
    expect(text).toMatch(/program of 3 operations compiled: it came again/);
    expect(text).toMatch(/kernel\n.*%0 = binaryScalar mul false\(input 0 float32\[4\], 1 numbers\) : float32\[4\]/);
    expect(text).toMatch(/compiled: more of its results are needed/);
    expect(text).toMatch(/keeps %0 %2/);
    for (const x of kept) expect(x.toArray()).toEqual([2, 4, 6, 8]);
  });
});
