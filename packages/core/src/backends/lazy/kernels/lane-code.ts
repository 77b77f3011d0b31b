/** What each step of a fused kernel is on four lanes: the same code as the eager kernels', so that results are equal. */
import type { BinaryOp, UnaryOp } from "../../../backend/backend.ts";
import { vectorBinary, vectorComparison, vectorUnary } from "../../eager/kernels/elementwise-modules.ts";
import { type Expression, f32x4, i32x4, type Steps, v128 } from "../../eager/wasm/index.ts";
import type { Lane } from "./spec.ts";

type Function1 = (s: Steps, x: Expression) => Expression;
type Function2 = (a: Expression, b: Expression) => Expression;

const zeros = i32x4.const(0, 0, 0, 0);
const allBits = 0x7fffffff;
const infinity = f32x4.const(Infinity);
const magnitude = (x: Expression): Expression => v128.and(x, i32x4.const(allBits, allBits, allBits, allBits));

const floatPredicates: Partial<Record<UnaryOp, Function1>> = {
  isNaN: (s, x) => {
    const value = s.let(x);
    return f32x4.ne(value, value);
  },
  isFinite: (_, x) => f32x4.lt(magnitude(x), infinity),
  isInfinite: (_, x) => f32x4.eq(magnitude(x), infinity),
};

const integerBinary: Partial<Record<BinaryOp, Function2>> = { add: i32x4.add, sub: i32x4.sub, mul: i32x4.mul };

const integerComparison: Partial<Record<BinaryOp, Function2>> = {
  equal: i32x4.eq,
  notEqual: i32x4.ne,
  less: i32x4.lt,
  lessEqual: (a, b) => v128.not(i32x4.gt(a, b)),
  greater: i32x4.gt,
  greaterEqual: (a, b) => v128.not(i32x4.lt(a, b)),
};

const truthBinary: Partial<Record<BinaryOp, Function2>> = {
  logicalAnd: v128.and,
  logicalOr: v128.or,
  logicalXor: v128.xor,
};

/** The code of a function of one operand in the lane `from`, and the lane of its result; undefined where there is none. */
export function unaryCode(op: UnaryOp, from: Lane): { code: Function1; lane: Lane } | undefined {
  if (from === "bool") return op === "logicalNot" ? { code: (_, x) => v128.not(x), lane: "bool" } : undefined;
  if (from === "int32") return op === "neg" ? { code: (_, x) => i32x4.sub(zeros, x), lane: "int32" } : undefined;
  const predicate = floatPredicates[op];
  if (predicate !== undefined) return { code: predicate, lane: "bool" };
  const code = vectorUnary[op];
  return code === undefined ? undefined : { code, lane: "float32" };
}

export function binaryCode(op: BinaryOp, from: Lane): { code: Function2; lane: Lane } | undefined {
  const tables = {
    float32: [vectorBinary, vectorComparison],
    int32: [integerBinary, integerComparison],
    bool: [{}, truthBinary],
  } as const;
  const [arithmetic, comparison] = tables[from] as readonly Partial<Record<BinaryOp, Function2>>[];
  const code = arithmetic![op];
  if (code !== undefined) return { code, lane: from };
  const test = comparison![op];
  return test === undefined ? undefined : { code: test, lane: "bool" };
}

export function castCode(from: Lane, to: Lane, x: Expression): Expression {
  if (from === to) return x;
  switch (to) {
    case "float32":
      return from === "bool" ? v128.and(x, f32x4.const(1)) : f32x4.fromI32x4(x);
    case "int32":
      return from === "bool" ? v128.and(x, i32x4.const(1, 1, 1, 1)) : i32x4.fromF32x4(x);
    case "bool":
      return from === "float32" ? f32x4.ne(x, f32x4.const(0)) : i32x4.ne(x, zeros);
  }
}
