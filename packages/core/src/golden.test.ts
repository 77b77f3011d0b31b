/**
 * Every operation against the reference numbers of testdata/tensor, computed with PyTorch in float64: values, dtypes,
 * shapes, and the gradients and tangents that the derivatives give. On the eager backend here; other backends run the
 * same table in their own files.
 */
import { describe, expect, test } from "@jest/globals";
import { checksOf, loadAreas, runCheck } from "./conformance/index.ts";

/** How many cases of each area run today; a lower number means that an operation was lost. */
const expected: Record<string, { values: number; gradients: number; differentials: number }> = {
  elementwise: { values: 146, gradients: 87, differentials: 87 },
  "binary-broadcast": { values: 112, gradients: 73, differentials: 72 },
  "reductions-scans": { values: 146, gradients: 100, differentials: 100 },
  "shape-indexing": { values: 127, gradients: 112, differentials: 112 },
  linalg: { values: 89, gradients: 85, differentials: 85 },
  "nn-primitives": { values: 93, gradients: 91, differentials: 91 },
  "attention-rope-norms": { values: 56, gradients: 56, differentials: 56 },
};

for (const area of await loadAreas())
  describe(area.name, () => {
    const checks = checksOf(area);
    for (const check of checks) test(check.id, () => runCheck(check));

    test("as many cases run as before", () => {
      const count = (kind: string): number => checks.filter((check) => check.kind === kind).length;
      const { values, gradients, differentials } = expected[area.name]!;
      expect(count("values")).toBeGreaterThanOrEqual(values);
      expect(count("gradient")).toBeGreaterThanOrEqual(gradients);
      expect(count("jvp")).toBeGreaterThanOrEqual(differentials);
    });
  });
