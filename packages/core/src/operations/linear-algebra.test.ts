/** Factorisations put together again, on generated matrices of any shape and rank; and what they refuse. */
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import {
  arange,
  cholesky,
  type DType,
  DTypeError,
  det,
  eigh,
  eye,
  inverse,
  LinearAlgebraError,
  logdet,
  qr,
  randn,
  randomKey,
  ShapeError,
  slogdet,
  solve,
  svd,
  type Tensor,
  tensor,
  triangularSolve,
  zeros,
} from "../index.ts";

const matrices = fc.record({
  seed: fc.integer({ min: 0 }),
  m: fc.integer({ min: 1, max: 6 }),
  n: fc.integer({ min: 1, max: 6 }),
  rank: fc.integer({ min: 0, max: 6 }),
});

/** [2, m, n] of at most this rank. */
function ofRank(seed: number, m: number, n: number, rank: number): Tensor {
  const key = randomKey(seed);
  const left = randn([2, m, rank], { key, dtype: "float64" });
  return left.matmul(randn([2, rank, n], { key: key.foldIn(1), dtype: "float64" }));
}

const isNear = (a: Tensor, b: Tensor): void => {
  expect(a.shape).toEqual(b.shape);
  const distance = a.size === 0 ? 0 : a.sub(b).abs().max().item();
  expect(distance).toBeLessThanOrEqual(1e-11 * (1 + (b.size === 0 ? 0 : b.abs().max().item())));
};

function isOrthonormal(q: Tensor): void {
  const k = q.shape[q.rank - 1]!;
  isNear(q.matmul(q, { transposeA: true }), eye(k, k, { dtype: "float64" }).broadcastTo([2, k, k]));
}

/** The largest entry of each column is positive. */
function hasSigns(u: Tensor): void {
  const largest = u.takeAlongAxis(u.abs().argmax(-2, true), -2);
  expect(largest.greater(0).all().item()).toBe(1);
}

describe("factorisations", () => {
  test("svd, of any rank", () => {
    fc.assert(
      fc.property(matrices, ({ seed, m, n, rank }) => {
        const a = ofRank(seed, m, n, rank);
        const { u, s, vh } = svd(a);
        isNear(u.mul(s.expandDims(-2)).matmul(vh), a);
        isOrthonormal(u);
        isOrthonormal(vh.swapAxes(-1, -2));
        hasSigns(u);
        expect(s.greaterEqual(0).all().item()).toBe(1);
        isNear(s, s.sort(-1, true));
      }),
      { numRuns: 60 },
    );
  });

  test("qr, reduced and complete", () => {
    fc.assert(
      fc.property(matrices, ({ seed, m, n, rank }) => {
        const a = ofRank(seed, m, n, rank);
        for (const mode of ["reduced", "complete"] as const) {
          const { q, r } = qr(a, { mode });
          expect(q.shape).toEqual([2, m, mode === "complete" ? m : Math.min(m, n)]);
          isNear(q.matmul(r), a);
          isOrthonormal(q);
          isNear(r.triu(), r);
          expect(r.diagonal(0, -2, -1).greaterEqual(0).all().item()).toBe(1);
        }
      }),
      { numRuns: 60 },
    );
  });

  test("eigh, of any rank", () => {
    fc.assert(
      fc.property(matrices, ({ seed, n, rank }) => {
        const a = ofRank(seed, n, n, rank);
        const { values, vectors } = eigh(a);
        isNear(
          vectors.mul(values.expandDims(-2)).matmul(vectors, { transposeB: true }),
          a.add(a.swapAxes(-1, -2)).mul(0.5),
        );
        isOrthonormal(vectors);
        hasSigns(vectors);
        isNear(values, values.sort(-1));
      }),
      { numRuns: 60 },
    );
  });

  test("cholesky, solves, inverse and determinants agree", () => {
    fc.assert(
      fc.property(matrices, ({ seed, n }) => {
        const x = ofRank(seed, n, n, n);
        const identity = eye(n, n, { dtype: "float64" });
        const a = x.matmul(x, { transposeB: true }).add(identity);
        const l = cholesky(a);
        isNear(l.matmul(l, { transposeB: true }), a);
        isNear(cholesky(a, { upper: true }), l.swapAxes(-1, -2));
        const b = randn([n, 3], { key: randomKey(seed), dtype: "float64" });
        isNear(a.matmul(solve(a, b)), b.broadcastTo([2, n, 3]));
        isNear(a.matmul(inverse(a)), identity.broadcastTo([2, n, n]));
        isNear(triangularSolve(l, triangularSolve(l, b), { transpose: true }), solve(a, b));
        const { sign, logAbsDet } = slogdet(a);
        isNear(sign.mul(logAbsDet.exp()).div(det(a)), tensor(new Float64Array([1, 1])));
        isNear(logdet(a), l.diagonal(0, -2, -1).log().sum(-1).mul(2));
      }),
      { numRuns: 40 },
    );
  });

  test("vectors, empty and half-precision matrices", () => {
    const a = tensor([
      [2, 1],
      [1, 3],
    ]);
    expect(solve(a, tensor([3, 5])).toArray()).toEqual([expect.closeTo(0.8), expect.closeTo(1.4)]);
    expect(det(zeros([2, 0, 0])).toArray()).toEqual([1, 1]);
    expect(svd(zeros([0, 3])).vh.shape).toEqual([0, 3]);
    for (const dtype of ["float16", "bfloat16"] as const satisfies DType[]) {
      expect(cholesky(a.cast(dtype)).dtype).toBe(dtype);
      expect(det(a.cast(dtype)).item()).toBe(5);
    }
  });

  test("determinants of singular and negative matrices", () => {
    const singular = arange(0, 9, 1).reshape([3, 3]);
    expect(Math.abs(det(singular).item())).toBeLessThan(1e-5);
    const nothing = zeros([2, 2]);
    expect(det(nothing).item()).toBe(0);
    expect(slogdet(nothing).sign.item()).toBe(0);
    expect(logdet(nothing).item()).toBe(-Infinity);
    expect(
      logdet(
        tensor([
          [0, 1],
          [1, 0],
        ]),
      ).item(),
    ).toBeNaN();
  });
});

describe("refusals", () => {
  const error = (f: () => unknown, type: abstract new (...args: never[]) => Error, text: RegExp): void => {
    expect(f).toThrow(type);
    expect(f).toThrow(text);
  };

  test("matrices that have no answer", () => {
    const refused = (f: () => Tensor, text: RegExp): void => error(() => f().dataSync(), LinearAlgebraError, text);
    refused(() => solve(zeros([2, 2]), tensor([1, 2])), /solve.*singular/);
    refused(() => inverse(zeros([2, 2])), /singular/);
    refused(
      () =>
        cholesky(
          tensor([
            [1, 2],
            [2, 1],
          ]),
        ),
      /cholesky.*positive definite/,
    );
    refused(
      () =>
        triangularSolve(
          tensor([
            [0, 1],
            [1, 1],
          ]),
          tensor([1, 2]),
        ),
      /triangularSolve.*element 0/,
    );
  });

  test("shapes and dtypes", () => {
    error(() => det(zeros([2, 3])), ShapeError, /det.*\[2, 3\]/);
    error(() => cholesky(zeros([3])), ShapeError, /cholesky.*\[3\]/);
    error(() => solve(zeros([2, 2]), zeros([3])), ShapeError, /solve.*\[2, 2\].*\[3\]/);
    error(() => solve(zeros([4, 2, 2]), zeros([3, 2, 1])), ShapeError, /solve/);
    error(() => svd(zeros([2, 2], { dtype: "int32" })), DTypeError, /svd.*int32/);
    error(() => qr(zeros([2, 2]), { mode: "full" as "reduced" }), ShapeError, /qr.*full/);
  });
});
