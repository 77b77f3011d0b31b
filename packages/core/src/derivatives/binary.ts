/** Derivatives of the elementwise operations of two operands, each a tensor or a number. */
import { registerDerivative } from "@pullback/autodiff";
import type { Operand } from "../operations/operand.ts";
import { where } from "../operations/where.ts";
import { zerosLike } from "../tensor/creation.ts";
import { Tensor } from "../tensor/tensor.ts";
import { cotangentOf, type OperandTangent, spreadTangent, totalTangent, wants } from "./cotangents.ts";

registerDerivative(Tensor.prototype.add, {
  vjp: (a: Tensor, b: Operand) => {
    const value = a.add(b);
    return {
      value,
      pullback: (ct: Tensor, needs?: readonly boolean[]) => [
        wants(a, needs, 0) ? cotangentOf(a, ct) : undefined,
        wants(b, needs, 1) ? cotangentOf(b, ct) : undefined,
      ],
    };
  },
  jvp: (a: Tensor, b: Operand) => {
    const value = a.add(b);
    return {
      value,
      differential: (da: Tensor | undefined, db: OperandTangent) => totalTangent(value, da, spreadTangent(value, db)),
    };
  },
  wrt: ["this", 0],
});

registerDerivative(Tensor.prototype.sub, {
  vjp: (a: Tensor, b: Operand) => {
    const value = a.sub(b);
    return {
      value,
      pullback: (ct: Tensor, needs?: readonly boolean[]) => [
        wants(a, needs, 0) ? cotangentOf(a, ct) : undefined,
        wants(b, needs, 1) ? cotangentOf(b, ct.neg()) : undefined,
      ],
    };
  },
  jvp: (a: Tensor, b: Operand) => {
    const value = a.sub(b);
    return {
      value,
      differential: (da: Tensor | undefined, db: OperandTangent) =>
        totalTangent(value, da, spreadTangent(value, db)?.neg()),
    };
  },
  wrt: ["this", 0],
});

registerDerivative(Tensor.prototype.mul, {
  vjp: (a: Tensor, b: Operand) => {
    const value = a.mul(b);
    return {
      value,
      pullback: (ct: Tensor, needs?: readonly boolean[]) => [
        wants(a, needs, 0) ? cotangentOf(a, ct.mul(b)) : undefined,
        wants(b, needs, 1) ? cotangentOf(b, ct.mul(a)) : undefined,
      ],
    };
  },
  jvp: (a: Tensor, b: Operand) => {
    const value = a.mul(b);
    return {
      value,
      differential: (da: Tensor | undefined, db: OperandTangent) =>
        totalTangent(value, da === undefined ? undefined : da.mul(b), db === undefined ? undefined : a.mul(db)),
    };
  },
  wrt: ["this", 0],
});

registerDerivative(Tensor.prototype.div, {
  vjp: (a: Tensor, b: Operand) => {
    const value = a.div(b);
    return {
      value,
      pullback: (ct: Tensor, needs?: readonly boolean[]) => [
        wants(a, needs, 0) ? cotangentOf(a, ct.div(b)) : undefined,
        wants(b, needs, 1) ? cotangentOf(b, ct.mul(value).div(b).neg()) : undefined,
      ],
    };
  },
  jvp: (a: Tensor, b: Operand) => {
    const value = a.div(b);
    return {
      value,
      differential: (da: Tensor | undefined, db: OperandTangent) =>
        totalTangent(
          value,
          da === undefined ? undefined : da.div(b),
          db === undefined ? undefined : value.div(b).mul(db).neg(),
        ),
    };
  },
  wrt: ["this", 0],
});

registerDerivative(Tensor.prototype.remainder, {
  vjp: (a: Tensor, b: Operand) => {
    const value = a.remainder(b);
    return {
      value,
      pullback: (ct: Tensor, needs?: readonly boolean[]) => [
        wants(a, needs, 0) ? cotangentOf(a, ct) : undefined,
        wants(b, needs, 1) ? cotangentOf(b, ct.mul(a.floorDiv(b)).neg()) : undefined,
      ],
    };
  },
  jvp: (a: Tensor, b: Operand) => {
    const value = a.remainder(b);
    return {
      value,
      differential: (da: Tensor | undefined, db: OperandTangent) =>
        totalTangent(
          value,
          da === undefined ? undefined : da,
          db === undefined ? undefined : a.floorDiv(b).mul(db).neg(),
        ),
    };
  },
  wrt: ["this", 0],
});

registerDerivative(Tensor.prototype.fmod, {
  vjp: (a: Tensor, b: Operand) => {
    const value = a.fmod(b);
    return {
      value,
      pullback: (ct: Tensor, needs?: readonly boolean[]) => [
        wants(a, needs, 0) ? cotangentOf(a, ct) : undefined,
        wants(b, needs, 1) ? cotangentOf(b, ct.mul(a.div(b).trunc()).neg()) : undefined,
      ],
    };
  },
  jvp: (a: Tensor, b: Operand) => {
    const value = a.fmod(b);
    return {
      value,
      differential: (da: Tensor | undefined, db: OperandTangent) =>
        totalTangent(
          value,
          da === undefined ? undefined : da,
          db === undefined ? undefined : a.div(b).trunc().mul(db).neg(),
        ),
    };
  },
  wrt: ["this", 0],
});

registerDerivative(Tensor.prototype.pow, {
  vjp: (a: Tensor, b: Operand) => {
    const value = a.pow(b);
    return {
      value,
      pullback: (ct: Tensor, needs?: readonly boolean[]) => [
        wants(a, needs, 0) ? cotangentOf(a, ct.mul(powerSlope(a, b))) : undefined,
        wants(b, needs, 1) ? cotangentOf(b, ct.mul(exponentSlope(a, b, value))) : undefined,
      ],
    };
  },
  jvp: (a: Tensor, b: Operand) => {
    const value = a.pow(b);
    return {
      value,
      differential: (da: Tensor | undefined, db: OperandTangent) =>
        totalTangent(
          value,
          da === undefined ? undefined : da.mul(powerSlope(a, b)),
          db === undefined ? undefined : exponentSlope(a, b, value).mul(db),
        ),
    };
  },
  wrt: ["this", 0],
});

registerDerivative(Tensor.prototype.maximum, {
  vjp: (a: Tensor, b: Operand) => {
    const value = a.maximum(b);
    return {
      value,
      pullback: (ct: Tensor, needs?: readonly boolean[]) => [
        wants(a, needs, 0) ? cotangentOf(a, ct.mul(share(a.greater(b), a.equal(b), ct))) : undefined,
        wants(b, needs, 1) ? cotangentOf(b, ct.mul(share(a.less(b), a.equal(b), ct))) : undefined,
      ],
    };
  },
  jvp: (a: Tensor, b: Operand) => {
    const value = a.maximum(b);
    return {
      value,
      differential: (da: Tensor | undefined, db: OperandTangent) =>
        totalTangent(
          value,
          da === undefined ? undefined : da.mul(share(a.greater(b), a.equal(b), value)),
          db === undefined ? undefined : share(a.less(b), a.equal(b), value).mul(db),
        ),
    };
  },
  wrt: ["this", 0],
});

registerDerivative(Tensor.prototype.minimum, {
  vjp: (a: Tensor, b: Operand) => {
    const value = a.minimum(b);
    return {
      value,
      pullback: (ct: Tensor, needs?: readonly boolean[]) => [
        wants(a, needs, 0) ? cotangentOf(a, ct.mul(share(a.less(b), a.equal(b), ct))) : undefined,
        wants(b, needs, 1) ? cotangentOf(b, ct.mul(share(a.greater(b), a.equal(b), ct))) : undefined,
      ],
    };
  },
  jvp: (a: Tensor, b: Operand) => {
    const value = a.minimum(b);
    return {
      value,
      differential: (da: Tensor | undefined, db: OperandTangent) =>
        totalTangent(
          value,
          da === undefined ? undefined : da.mul(share(a.less(b), a.equal(b), value)),
          db === undefined ? undefined : share(a.greater(b), a.equal(b), value).mul(db),
        ),
    };
  },
  wrt: ["this", 0],
});

registerDerivative(Tensor.prototype.atan2, {
  vjp: (a: Tensor, b: Operand) => {
    const value = a.atan2(b);
    return {
      value,
      pullback: (ct: Tensor, needs?: readonly boolean[]) => [
        wants(a, needs, 0) ? cotangentOf(a, ct.mul(b).div(a.square().add(squareOf(b)))) : undefined,
        wants(b, needs, 1)
          ? cotangentOf(
              b,
              ct
                .mul(a)
                .div(a.square().add(squareOf(b)))
                .neg(),
            )
          : undefined,
      ],
    };
  },
  jvp: (a: Tensor, b: Operand) => {
    const value = a.atan2(b);
    return {
      value,
      differential: (da: Tensor | undefined, db: OperandTangent) =>
        totalTangent(
          value,
          da === undefined ? undefined : da.mul(b).div(a.square().add(squareOf(b))),
          db === undefined
            ? undefined
            : a
                .div(a.square().add(squareOf(b)))
                .mul(db)
                .neg(),
        ),
    };
  },
  wrt: ["this", 0],
});

registerDerivative(Tensor.prototype.hypot, {
  vjp: (a: Tensor, b: Operand) => {
    const value = a.hypot(b);
    return {
      value,
      pullback: (ct: Tensor, needs?: readonly boolean[]) => [
        wants(a, needs, 0) ? cotangentOf(a, ct.mul(direction(a, value))) : undefined,
        wants(b, needs, 1) ? cotangentOf(b, ct.mul(direction(b, value))) : undefined,
      ],
    };
  },
  jvp: (a: Tensor, b: Operand) => {
    const value = a.hypot(b);
    return {
      value,
      differential: (da: Tensor | undefined, db: OperandTangent) =>
        totalTangent(
          value,
          da === undefined ? undefined : da.mul(direction(a, value)),
          db === undefined ? undefined : direction(b, value).mul(db),
        ),
    };
  },
  wrt: ["this", 0],
});

registerDerivative(Tensor.prototype.logAddExp, {
  vjp: (a: Tensor, b: Operand) => {
    const value = a.logAddExp(b);
    return {
      value,
      pullback: (ct: Tensor, needs?: readonly boolean[]) => [
        wants(a, needs, 0) ? cotangentOf(a, ct.mul(a.sub(b).sigmoid())) : undefined,
        wants(b, needs, 1) ? cotangentOf(b, ct.mul(a.sub(b).neg().sigmoid())) : undefined,
      ],
    };
  },
  jvp: (a: Tensor, b: Operand) => {
    const value = a.logAddExp(b);
    return {
      value,
      differential: (da: Tensor | undefined, db: OperandTangent) =>
        totalTangent(
          value,
          da === undefined ? undefined : da.mul(a.sub(b).sigmoid()),
          db === undefined ? undefined : a.sub(b).neg().sigmoid().mul(db),
        ),
    };
  },
  wrt: ["this", 0],
});

registerDerivative(Tensor.prototype.squaredDifference, {
  vjp: (a: Tensor, b: Operand) => {
    const value = a.squaredDifference(b);
    return {
      value,
      pullback: (ct: Tensor, needs?: readonly boolean[]) => [
        wants(a, needs, 0) ? cotangentOf(a, ct.mul(a.sub(b)).mul(2)) : undefined,
        wants(b, needs, 1) ? cotangentOf(b, ct.mul(a.sub(b)).mul(-2)) : undefined,
      ],
    };
  },
  jvp: (a: Tensor, b: Operand) => {
    const value = a.squaredDifference(b);
    return {
      value,
      differential: (da: Tensor | undefined, db: OperandTangent) =>
        totalTangent(
          value,
          da === undefined ? undefined : da.mul(a.sub(b)).mul(2),
          db === undefined ? undefined : a.sub(b).mul(-2).mul(db),
        ),
    };
  },
  wrt: ["this", 0],
});

// Piecewise constant: the derivative is zero everywhere, and can be differentiated again as any other.
registerDerivative(Tensor.prototype.floorDiv, {
  vjp: (a: Tensor, b: Operand) => ({
    value: a.floorDiv(b),
    pullback: (ct: Tensor, needs?: readonly boolean[]) => [
      wants(a, needs, 0) ? cotangentOf(a, zerosLike(ct)) : undefined,
      wants(b, needs, 1) ? cotangentOf(b, zerosLike(ct)) : undefined,
    ],
  }),
  jvp: (a: Tensor, b: Operand) => {
    const value = a.floorDiv(b);
    return { value, differential: (_da: Tensor | undefined, _db: OperandTangent) => zerosLike(value) };
  },
  wrt: ["this", 0],
});

/** b a^(b - 1), and 0 where b is 0. */
function powerSlope(a: Tensor, b: Operand): Tensor {
  if (typeof b === "object") return where(b.equal(0), 0, a.pow(b.sub(1)).mul(b));
  return +b === 0 ? a.mul(0) : a.pow(+b - 1).mul(+b);
}

/**
 * a^b log a, and 0 where a is 0 and b is not negative. For a number b also 0 where a is negative: the exponent is a
 * constant nearly always, and its tangent 0 times NaN would be NaN.
 */
function exponentSlope(a: Tensor, b: Operand, value: Tensor): Tensor {
  const zero = typeof b === "object" ? b.greaterEqual(0).logicalAnd(a.equal(0)) : +b >= 0 ? a.lessEqual(0) : a.less(0);
  return where(zero, 0, value.mul(where(zero, 1, a).log()));
}

/** 1 where an operand is taken, one half where the two are equal, else 0, in the dtype of the cotangent. */
function share(taken: Tensor, tied: Tensor, ct: Tensor): Tensor {
  return taken.cast(ct.dtype).add(tied.cast(ct.dtype).mul(0.5));
}

function squareOf(b: Operand): Operand {
  return typeof b === "object" ? b.square() : +b * +b;
}

/** operand / length, and 0 at the origin. */
function direction(operand: Operand, length: Tensor): Tensor {
  const away = where(length.equal(0), 1, length);
  return typeof operand === "object" ? operand.div(away) : away.reciprocal().mul(+operand);
}

registerDerivative(where, {
  vjp: (condition: Tensor, a: Operand, b: Operand) => ({
    value: where(condition, a, b),
    pullback: (ct: Tensor, needs?: readonly boolean[]) => [
      wants(a, needs, 0) ? cotangentOf(a, where(condition, ct, 0)) : undefined,
      wants(b, needs, 1) ? cotangentOf(b, where(condition, 0, ct)) : undefined,
    ],
  }),
  jvp: (condition: Tensor, a: Operand, b: Operand) => {
    const value = where(condition, a, b);
    return {
      value,
      differential: (da: OperandTangent, db: OperandTangent) =>
        where(condition, spreadTangent(value, da) ?? 0, spreadTangent(value, db) ?? 0)
          .broadcastTo(value.shape)
          .cast(value.dtype),
    };
  },
  wrt: [1, 2],
});
