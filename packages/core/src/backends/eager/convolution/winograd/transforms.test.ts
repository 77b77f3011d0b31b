/** The matrices against what they are for: short convolutions, term by term, in float64. */
import { expect, test } from "@jest/globals";
import { cotangentMatrix, gradientMatrix, inputMatrix, outputMatrix, outputs, points, taps, weightMatrix } from "./transforms.ts"; // biome-ignore format: one line

const times = (matrix: readonly (readonly number[])[], vector: readonly number[]): number[] =>
  matrix.map((row) => row.reduce((sum, factor, i) => sum + factor * vector[i], 0));

const data = [0.3, -1.25, 2.5, 0.875, -0.6, 1.1];
const weights = [0.7, -0.4, 1.9];
const atPoints = times(inputMatrix, data);

test("four outputs of three taps", () => {
  const product = times(weightMatrix, weights).map((weight, i) => weight * atPoints[i]);
  const got = times(outputMatrix, product);
  expect(got).toHaveLength(outputs);
  for (const [i, value] of got.entries())
    expect(value).toBeCloseTo(
      weights.reduce((sum, weight, t) => sum + weight * data[i + t], 0),
      12,
    );
});

test("the adjoint for the taps", () => {
  const cotangents = [1.5, -0.2, 0.9, -2.1];
  const product = times(cotangentMatrix, cotangents).map((cotangent, i) => cotangent * atPoints[i]);
  expect(product).toHaveLength(points);
  const got = times(gradientMatrix, product);
  expect(got).toHaveLength(taps);
  for (const [t, value] of got.entries())
    expect(value).toBeCloseTo(
      cotangents.reduce((sum, cotangent, i) => sum + cotangent * data[i + t], 0),
      12,
    );
});
