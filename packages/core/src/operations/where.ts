/** The choice between two operands, element by element. */
import type { DType } from "../dtype.ts";
import { promote, promoteWithNumber } from "../dtype.ts";
import { broadcastShapes } from "../shape.ts";
import { Tensor } from "../tensor/tensor.ts";
import type { Operand } from "./operand.ts";
import { castTo, commonBackend, scalarLike } from "./operand.ts";

function resultType(a: Operand, b: Operand): DType {
  if (typeof a === "object") {
    if (typeof b === "object") return promote(a.dtype, b.dtype);
    return typeof b === "boolean" ? a.dtype : promoteWithNumber(a.dtype, b);
  }
  if (typeof b === "object") return resultType(b, a);
  return typeof a === "boolean" && typeof b === "boolean" ? "bool" : "float32";
}

/**
 * `a` where `condition` holds (is not 0), else `b`; all three broadcast. The branch not taken contributes exactly 0 to
 * the derivative, even when it holds NaN or Infinity. Differentiable in `a` and `b`.
 * @throws ShapeError when the shapes do not broadcast.
 */
export function where(condition: Tensor, a: Operand, b: Operand): Tensor {
  const dtype = resultType(a, b);
  const x = typeof a === "object" ? castTo(a, dtype) : scalarLike(+a, condition, dtype);
  const y = typeof b === "object" ? castTo(b, dtype) : scalarLike(+b, condition, dtype);
  broadcastShapes("where", condition.shape, broadcastShapes("where", x.shape, y.shape));
  const test = castTo(condition, "bool");
  const backend = commonBackend("where", [test, x, y]);
  return new Tensor(backend.where(test.array, x.array, y.array), backend);
}
