/**
 * Derivatives of decompositions, solves and determinants. Giles 2008, "Collected matrix derivative results for forward and
 * reverse mode algorithmic differentiation", unless another source is given.
 */
import { registerDerivative } from "@pullback/autodiff";
import { ShapeError } from "../errors.ts";
import type { Eigh, Qr, QrOptions, SignedLogDet, Svd } from "../operations/linear-algebra.ts";
import {
  choleskyFactor,
  det,
  eigh,
  inverse,
  qr,
  slogdet,
  solveMatrices,
  solveTriangle,
  svd,
  symmetrized,
} from "../operations/linear-algebra.ts";
import { where } from "../operations/where.ts";
import { formatShape } from "../shape.ts";
import { eye, zerosLike } from "../tensor/creation.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { totalTangent, wants } from "./cotangents.ts";

function turned(a: Tensor): Tensor {
  return a.swapAxes(-1, -2);
}

/** The lower triangle with half of the diagonal. */
function halfLower(a: Tensor): Tensor {
  return a.tril(-1).add(a.tril().sub(a.tril(-1)).mul(0.5));
}

/** diag(values). */
function diagonalMatrix(values: Tensor): Tensor {
  return values.diagEmbed();
}

/** x l⁻¹ for lower triangular l. */
function overLower(l: Tensor, x: Tensor): Tensor {
  return turned(solveTriangle(l, turned(x), false, true, false));
}

/** Murray 2016, eq. 8 and 10. */
registerDerivative(choleskyFactor, {
  vjp: (a: Tensor) => {
    const l = choleskyFactor(a);
    return {
      value: l,
      pullback: (ct: Tensor) => {
        const inner = halfLower(l.matmul(ct.tril(), { transposeA: true }));
        const s = overLower(l, solveTriangle(l, inner, false, true, false));
        return s.add(turned(s)).mul(0.5);
      },
    };
  },
  jvp: (a: Tensor) => {
    const l = choleskyFactor(a);
    return {
      value: l,
      differential: (da: Tensor) => {
        const left = solveTriangle(l, symmetrized(da), false, false, false);
        return l.matmul(halfLower(turned(solveTriangle(l, turned(left), false, false, false))));
      },
    };
  },
  wrt: [0],
});

registerDerivative(solveMatrices, {
  vjp: (a: Tensor, b: Tensor) => {
    const x = solveMatrices(a, b);
    return {
      value: x,
      pullback: (ct: Tensor, needs?: readonly boolean[]) => {
        const db = solveMatrices(turned(a), ct);
        return [
          wants(a, needs, 0) ? db.matmul(x, { transposeB: true }).neg().cast(a.dtype) : undefined,
          wants(b, needs, 1) ? db.cast(b.dtype) : undefined,
        ];
      },
    };
  },
  jvp: (a: Tensor, b: Tensor) => {
    const x = solveMatrices(a, b);
    return {
      value: x,
      differential: (da: Tensor | undefined, db: Tensor | undefined) => {
        const right = totalTangent(x, da?.matmul(x).neg(), db);
        return right === undefined ? undefined : solveMatrices(a, right);
      },
    };
  },
  wrt: [0, 1],
});

/** The part of a matrix that a triangular solve reads. */
function readPart(a: Tensor, upper: boolean, unitDiagonal: boolean): Tensor {
  if (upper) return a.triu(unitDiagonal ? 1 : 0);
  return a.tril(unitDiagonal ? -1 : 0);
}

registerDerivative(solveTriangle, {
  vjp: (a: Tensor, b: Tensor, upper: boolean, transpose: boolean, unitDiagonal: boolean) => {
    const x = solveTriangle(a, b, upper, transpose, unitDiagonal);
    return {
      value: x,
      pullback: (ct: Tensor, needs?: readonly boolean[]) => {
        const db = solveTriangle(a, ct, upper, !transpose, unitDiagonal);
        const product = transpose ? x.matmul(db, { transposeB: true }) : db.matmul(x, { transposeB: true });
        return [
          wants(a, needs, 0) ? readPart(product.neg(), upper, unitDiagonal).cast(a.dtype) : undefined,
          wants(b, needs, 1) ? db.cast(b.dtype) : undefined,
        ];
      },
    };
  },
  jvp: (a: Tensor, b: Tensor, upper: boolean, transpose: boolean, unitDiagonal: boolean) => {
    const x = solveTriangle(a, b, upper, transpose, unitDiagonal);
    return {
      value: x,
      differential: (da: Tensor | undefined, db: Tensor | undefined) => {
        const moved = da === undefined ? undefined : readPart(da, upper, unitDiagonal);
        const right = totalTangent(x, moved?.matmul(x, { transposeA: transpose }).neg(), db);
        return right === undefined ? undefined : solveTriangle(a, right, upper, transpose, unitDiagonal);
      },
    };
  },
  wrt: [0, 1],
});

/** The matrix of cofactors, the gradient of the determinant; by singular values where some determinant is 0. */
function cofactors(a: Tensor, value: Tensor): Tensor {
  if (value.equal(0).any().item() === 0) return turned(inverse(a)).mul(value.expandDims([-2, -1]));
  const { u, s, vh } = svd(a);
  const n = s.shape[s.rank - 1]!;
  const identity = eye(n, undefined, { dtype: "bool" }).to(a.device);
  const others = where(identity, 1, s.expandDims(-2)).prod(-1);
  const sign = det(u).mul(det(vh)).expandDims([-2, -1]);
  return u.mul(others.expandDims(-2)).matmul(vh).mul(sign);
}

registerDerivative(det, {
  vjp: (a: Tensor) => {
    const value = det(a);
    return { value, pullback: (ct: Tensor) => cofactors(a, value).mul(ct.expandDims([-2, -1])) };
  },
  jvp: (a: Tensor) => {
    const value = det(a);
    return { value, differential: (da: Tensor) => cofactors(a, value).mul(da).sum([-2, -1]) };
  },
  wrt: [0],
});

registerDerivative(slogdet, {
  vjp: (a: Tensor) => ({
    value: slogdet(a),
    pullback: (ct: SignedLogDet) => turned(inverse(a)).mul(ct.logAbsDet.expandDims([-2, -1])),
  }),
  jvp: (a: Tensor) => {
    const value = slogdet(a);
    return {
      value,
      differential: (da: Tensor) => ({
        sign: zerosLike(value.sign),
        logAbsDet: turned(inverse(a)).mul(da).sum([-2, -1]),
      }),
    };
  },
  wrt: [0],
});

function requireTall(a: Tensor, options: QrOptions | undefined): void {
  const [m, n] = [a.shape[a.rank - 2]!, a.shape[a.rank - 1]!];
  if (m < n || (options?.mode === "complete" && m !== n))
    throw new ShapeError(
      `qr: no derivative for shape ${formatShape(a.shape)} in mode "${options?.mode ?? "reduced"}"; it needs at least as ` +
        'many rows as columns and mode "reduced".',
    );
}

/** Walter and Lehmann 2012, "Algorithmic differentiation of linear algebra functions". */
registerDerivative(qr, {
  vjp: (a: Tensor, options?: QrOptions) => {
    requireTall(a, options);
    const value = qr(a, options);
    return {
      value,
      pullback: (ct: Qr) => {
        const { q, r } = value;
        const m = r.matmul(ct.r, { transposeB: true }).sub(ct.q.matmul(q, { transposeA: true }));
        const symmetric = m
          .tril(-1)
          .add(turned(m.tril(-1)))
          .add(m.tril().sub(m.tril(-1)));
        const left = ct.q.add(q.matmul(symmetric));
        return turned(solveTriangle(r, turned(left), true, false, false));
      },
    };
  },
  jvp: (a: Tensor, options?: QrOptions) => {
    requireTall(a, options);
    const value = qr(a, options);
    return {
      value,
      differential: (da: Tensor) => {
        const { q, r } = value;
        const c = turned(solveTriangle(r, turned(da), true, true, false));
        const d = q.matmul(c, { transposeA: true });
        const rotation = d.tril(-1).sub(turned(d.tril(-1)));
        return { q: q.matmul(rotation).add(c.sub(q.matmul(d))), r: d.sub(rotation).matmul(r) };
      },
    };
  },
  wrt: [0],
});

/** 1 / (x[j] - x[i]) at [i, j], and 0 where the two are equal (the diagonal, and a repeated value's free rotation). */
function gaps(x: Tensor): Tensor {
  const difference = x.expandDims(-2).sub(x.expandDims(-1));
  const equal = difference.equal(0);
  return where(equal, 0, where(equal, 1, difference).reciprocal());
}

registerDerivative(eigh, {
  vjp: (a: Tensor) => {
    const value = eigh(a);
    return {
      value,
      pullback: (ct: Eigh) => {
        const { values, vectors } = value;
        const inner = gaps(values).mul(vectors.matmul(ct.vectors, { transposeA: true }));
        const core = diagonalMatrix(ct.values).add(inner);
        const cotangent = vectors.matmul(core).matmul(vectors, { transposeB: true });
        return cotangent.add(turned(cotangent)).mul(0.5);
      },
    };
  },
  jvp: (a: Tensor) => {
    const value = eigh(a);
    return {
      value,
      differential: (da: Tensor) => {
        const { values, vectors } = value;
        const inner = vectors.matmul(symmetrized(da), { transposeA: true }).matmul(vectors);
        return { values: inner.diagonal(0, -2, -1), vectors: vectors.matmul(gaps(values).mul(inner)) };
      },
    };
  },
  wrt: [0],
});

/** 1 / s, and 0 for a singular value of 0. */
function reciprocals(s: Tensor): Tensor {
  const nothing = s.equal(0);
  return where(nothing, 0, where(nothing, 1, s).reciprocal());
}

/** The part of x outside the columns of the orthonormal u. */
function outside(u: Tensor, x: Tensor): Tensor {
  return x.sub(u.matmul(u.matmul(x, { transposeA: true })));
}

/** Townsend 2016, eq. 9–12 and their adjoints. */
registerDerivative(svd, {
  vjp: (a: Tensor) => {
    const value = svd(a);
    return {
      value,
      pullback: (ct: Svd) => {
        const { u, s, vh } = value;
        const v = turned(vh);
        const dv = turned(ct.vh);
        const f = gaps(s.square());
        const j = f.mul(u.matmul(ct.u, { transposeA: true }));
        const k = f.mul(v.matmul(dv, { transposeA: true }));
        const row = s.expandDims(-2);
        const column = s.expandDims(-1);
        const core = j
          .add(turned(j))
          .mul(row)
          .add(k.add(turned(k)).mul(column))
          .add(diagonalMatrix(ct.s));
        const inverses = reciprocals(s);
        const fromU = outside(u, ct.u).mul(inverses.expandDims(-2)).matmul(vh);
        const fromV = u.mul(inverses.expandDims(-2)).matmul(outside(v, dv), { transposeB: true });
        return u.matmul(core).matmul(vh).add(fromU).add(fromV);
      },
    };
  },
  jvp: (a: Tensor) => {
    const value = svd(a);
    return {
      value,
      differential: (da: Tensor) => {
        const { u, s, vh } = value;
        const v = turned(vh);
        const p = u.matmul(da, { transposeA: true }).matmul(v);
        const f = gaps(s.square());
        const row = s.expandDims(-2);
        const column = s.expandDims(-1);
        const inverses = reciprocals(s).expandDims(-2);
        const du = u.matmul(f.mul(p.mul(row).add(turned(p).mul(column)))).add(outside(u, da.matmul(v)).mul(inverses));
        const dv = v
          .matmul(f.mul(p.mul(column).add(turned(p).mul(row))))
          .add(outside(v, da.matmul(u, { transposeA: true })).mul(inverses));
        return { u: du, s: p.diagonal(0, -2, -1), vh: turned(dv) };
      },
    };
  },
  wrt: [0],
});
