/** Kernels under short names, for compositions: numbers are scalars of the other operand's dtype. */
import { type Kernels, reshaped } from "./kernels.ts";
import type { Info } from "./types.ts";

export type Term = Info | number;

/** Words to write compositions with, over the kernels of one engine. */
export class Vocabulary {
  readonly kernels: Kernels;

  constructor(kernels: Kernels) {
    this.kernels = kernels;
  }

  unary(kernel: string, x: Info): Info {
    return this.kernels.run(kernel, { x });
  }

  /** A kernel of two operands that broadcast, at least one of which is an array. */
  binary(kernel: string, a: Term, b: Term): Info {
    const left = typeof a === "number" ? this.kernels.scalar(a, (b as Info).dtype) : a;
    const right = typeof b === "number" ? this.kernels.scalar(b, left.dtype) : b;
    return this.kernels.run(kernel, { a: left, b: right });
  }

  add = (a: Term, b: Term): Info => this.binary("Add", a, b);
  sub = (a: Term, b: Term): Info => this.binary("Sub", a, b);
  mul = (a: Term, b: Term): Info => this.binary("Multiply", a, b);
  div = (a: Term, b: Term): Info => this.binary("RealDiv", a, b);
  maximum = (a: Term, b: Term): Info => this.binary("Maximum", a, b);
  minimum = (a: Term, b: Term): Info => this.binary("Minimum", a, b);
  less = (a: Term, b: Term): Info => this.binary("Less", a, b);
  lessEqual = (a: Term, b: Term): Info => this.binary("LessEqual", a, b);
  greater = (a: Term, b: Term): Info => this.binary("Greater", a, b);
  greaterEqual = (a: Term, b: Term): Info => this.binary("GreaterEqual", a, b);
  equal = (a: Term, b: Term): Info => this.binary("Equal", a, b);
  notEqual = (a: Term, b: Term): Info => this.binary("NotEqual", a, b);
  and = (a: Info, b: Info): Info => this.binary("LogicalAnd", a, b);
  or = (a: Info, b: Info): Info => this.binary("LogicalOr", a, b);
  not = (x: Info): Info => this.unary("LogicalNot", x);
  isNaN = (x: Info): Info => this.unary("IsNan", x);
  exp = (x: Info): Info => this.unary("Exp", x);
  log = (x: Info): Info => this.unary("Log", x);
  abs = (x: Info): Info => this.unary("Abs", x);
  neg = (x: Info): Info => this.unary("Neg", x);
  sqrt = (x: Info): Info => this.unary("Sqrt", x);
  square = (x: Info): Info => this.unary("Square", x);
  floor = (x: Info): Info => this.unary("Floor", x);
  sigmoid = (x: Info): Info => this.unary("Sigmoid", x);

  cast(x: Info, dtype: Info["dtype"]): Info {
    return x.dtype === dtype ? x : this.kernels.run("Cast", { x }, { dtype });
  }

  fill(shape: readonly number[], value: number, dtype: Info["dtype"]): Info {
    return this.kernels.run("Fill", {}, { shape, value, dtype });
  }

  /** x with axes of extent 1 stretched to a shape of its rank. */
  stretch(x: Info, shape: readonly number[]): Info {
    if (shape.every((extent, axis) => extent === x.shape[axis])) return x;
    if (shape.includes(0)) return this.fill(shape, 0, x.dtype);
    const number = this.kernels.numberOf(x);
    if (number !== undefined) return this.fill(shape, number, x.dtype);
    if (this.kernels.engineName === "wasm") {
      // This engine repeats element by element, but broadcasts in vectors; to add -0 changes nothing.
      if (x.dtype === "float32") return this.add(this.fill(shape, -0, x.dtype), x);
      if (x.dtype === "bool") return this.greater(this.stretch(this.cast(x, "float32"), shape), 0);
    }
    return this.kernels.run("Tile", { x }, { reps: shape.map((extent, axis) => extent / x.shape[axis]) });
  }

  /** `condition ? a : b`, where numbers have the dtype of the other branch; the branches have the condition's shape. */
  where(condition: Info, a: Term, b: Term): Info {
    const dtype = typeof a === "number" ? (b as Info).dtype : a.dtype;
    const branch = (x: Term): Info => {
      if (typeof x === "number") return this.fill(condition.shape, x, dtype);
      if (x.shape.length > 0 || condition.shape.length === 0) return x;
      const single = condition.shape.map(() => 1);
      return this.stretch(reshaped(x, single), condition.shape);
    };
    return this.select(condition, branch(a), branch(b));
  }

  /** Of equal shapes. The WebAssembly engine's kernel writes four bytes for each bool, beyond its result. */
  select(condition: Info, a: Info, b: Info): Info {
    if (a.dtype === "bool") return this.or(this.and(condition, a), this.and(this.not(condition), b));
    return this.kernels.run("Select", { condition, t: a, e: b });
  }

  /** Of bool by way of int32, for the same reason. */
  reverse(x: Info, axes: readonly number[]): Info {
    if (x.dtype === "bool") return this.notEqual(this.reverse(this.cast(x, "int32"), axes), 0);
    return this.kernels.run("Reverse", { x }, { dims: axes });
  }

  /** As `where` with a condition that broadcasts to the branches, of which one is a number. */
  choose(condition: Info, a: number, b: Info): Info {
    if (condition.shape.length === b.shape.length && condition.shape.every((extent, i) => extent === b.shape[i]))
      return this.where(condition, a, b);
    const lead = b.shape.slice(condition.shape.length).map(() => 1);
    return this.where(this.stretch(reshaped(condition, [...lead, ...condition.shape]), b.shape), a, b);
  }

  /** log(1 + x), accurate near 0 (Kahan): some engines take the logarithm of the rounded sum. */
  log1p(x: Info): Info {
    const sum = this.add(x, 1);
    const scaled = this.mul(this.log(sum), this.div(x, this.sub(sum, 1)));
    return this.where(this.or(this.equal(sum, 1), this.equal(sum, Number.POSITIVE_INFINITY)), x, scaled);
  }

  /** Σ coefficients[i] x^i. */
  polynomial(x: Info, coefficients: readonly number[]): Info {
    let sum: Term = coefficients[coefficients.length - 1];
    for (let i = coefficients.length - 2; i >= 0; i--) sum = this.add(this.mul(x, sum), coefficients[i]);
    return sum as Info;
  }

  /** Reductions, over sorted axes; the result keeps them with extent 1. */
  reduce(kernel: string, x: Info, axes: readonly number[]): Info {
    const kept = x.shape.map((extent, axis) => (axes.includes(axis) ? 1 : extent));
    return reshaped(this.kernels.run(kernel, { x }, { axis: axes, reductionIndices: axes, keepDims: false }), kept);
  }

  pad(x: Info, paddings: readonly (readonly [number, number])[], value = 0): Info {
    if (paddings.every(([before, after]) => before === 0 && after === 0)) return x;
    return this.kernels.run("PadV2", { x }, { paddings, constantValue: value });
  }

  slice(x: Info, begin: readonly number[], size: readonly number[]): Info {
    if (begin.every((b) => b === 0) && size.every((s, i) => s === x.shape[i])) return x;
    return this.kernels.run("Slice", { x }, { begin, size });
  }

  transpose(x: Info, perm: readonly number[]): Info {
    if (perm.every((axis, i) => axis === i)) return x;
    return this.kernels.run("Transpose", { x }, { perm });
  }

  concat(xs: readonly Info[], axis: number): Info {
    return xs.length === 1 ? xs[0] : this.kernels.run("Concat", xs, { axis });
  }
}
