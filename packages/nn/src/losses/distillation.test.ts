/** Distillation from a sample of the teacher's logits. */
import { expect, test } from "@jest/globals";
import { valueWithGradient } from "@pullback/autodiff";
import { arange, randomKey, type Tensor, tensor } from "@pullback/core";
import { centralGradient, distance, smoothValues } from "../../testdata/central.ts";
import { distillationLoss, sampledDistillationLoss, sampleTeacher, type TeacherSample } from "./index.ts";

const student = smoothValues([2, 5]);
const teacher = smoothValues([2, 5], 1);

test("with every class in the sample it is the full distillation loss, in value and gradient", () => {
  const everything = sampleTeacher(teacher, 5, { key: randomKey(1) });
  const options = { temperature: 2 };
  const sampled = valueWithGradient((s: Tensor, t: TeacherSample) => sampledDistillationLoss(s, t, options), {
    wrt: 0,
  });
  const full = valueWithGradient((s: Tensor) => distillationLoss(s, teacher, options));
  const [found, expected] = [sampled(student, everything), full(student)];
  expect(found.value.item()).toBeCloseTo(expected.value.item(), 12);
  expect(distance(found.gradient, expected.gradient.flatten().toArray() as number[])).toBeLessThan(1e-12);
});

test("with some of them, by hand: renormalised inside the sample, zero outside", () => {
  const indices = tensor([[0, 3], [4, 1]], { dtype: "int32" }); // biome-ignore format: rows
  const logits = teacher.takeAlongAxis(indices, -1);
  const loss = (s: Tensor) => sampledDistillationLoss(s, { indices, logits });
  const rows = { s: student.toArray() as number[][], t: logits.toArray() as number[][] };
  const byHand = rows.s.map((row, n) => {
    const partition = row.reduce((sum, x) => sum + Math.exp(x), 0);
    const total = rows.t[n].reduce((sum, x) => sum + Math.exp(x), 0);
    const picked = n === 0 ? [0, 3] : [4, 1];
    return picked.reduce((sum, index, j) => {
      const q = Math.exp(rows.t[n][j]) / total;
      return sum + q * Math.log(q / (Math.exp(row[index]) / partition));
    }, 0);
  });
  expect(loss(student).item()).toBeCloseTo((byHand[0] + byHand[1]) / 2, 12);
  const { gradient } = valueWithGradient(loss)(student);
  expect(distance(gradient, centralGradient(loss, student))).toBeLessThan(1e-9);
});

test("a sample has different classes, the likely ones more often, with their logits", () => {
  const logits = tensor([0, 1, 2, 3]).reshape([1, 4]).broadcastTo([4000, 4]);
  const { indices, logits: kept } = sampleTeacher(logits, 2, { key: randomKey(2) });
  expect([indices.dtype, indices.shape, kept.shape]).toEqual(["int32", [4000, 2], [4000, 2]]);
  expect(kept.sub(indices.cast("float32")).abs().max().item()).toBe(0);
  expect(indices.slice(undefined, 0).equal(indices.slice(undefined, 1)).any().item()).toBe(0);
  // The first drawn is a draw from the softmax: its frequencies are the probabilities.
  const counts = (indices.oneHot(4).sum([0, 1]).toArray() as number[]).map((n) => n / 4000);
  const p = arange(0, 4).softmax().toArray() as number[];
  // Chosen first or second: p_i + Σ_{j≠i} p_j p_i / (1 - p_j).
  const expected = p.map((pi, i) => pi + p.reduce((sum, pj, j) => (j === i ? sum : sum + (pj * pi) / (1 - pj)), 0));
  for (const [i, value] of expected.entries()) expect(Math.abs(counts[i] - value)).toBeLessThan(0.03);
});
