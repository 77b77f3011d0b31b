/** The arithmetic of optimizers: what the protocols of a leaf offer, and what follows from it. */
import { type PointwiseLeaf, pointwise, type VectorLeaf, vector } from "@pullback/autodiff";
import { Tensor } from "@pullback/core";
import { ParameterError } from "../errors.ts";

/** A parameter, its gradient, or a piece of optimizer state: all of one vector space. */
export type Leaf = any;

/** Vector and pointwise operations of one type of leaf, and two that follow. */
export interface Arithmetic {
  add(a: Leaf, b: Leaf): Leaf;
  subtract(a: Leaf, b: Leaf): Leaf;
  scale(a: Leaf, factor: number): Leaf;
  dot(a: Leaf, b: Leaf): number;
  zero(a: Leaf): Leaf;
  multiply(a: Leaf, b: Leaf): Leaf;
  divide(a: Leaf, b: Leaf): Leaf;
  sqrt(a: Leaf): Leaf;
  abs(a: Leaf): Leaf;
  sign(a: Leaf): Leaf;
  maximum(a: Leaf, b: Leaf): Leaf;
  /** Every element between -limit and limit. */
  clip(a: Leaf, limit: number): Leaf;
  /** Adds a number to every element. */
  shift(a: Leaf, amount: number): Leaf;
  /** `a + (b - a) * weight`; from zero where there is no `a` yet. */
  towards(a: Leaf | undefined, b: Leaf, weight: number): Leaf;
}

const numbers: Arithmetic = {
  add: (a, b) => a + b,
  subtract: (a, b) => a - b,
  scale: (a, factor) => a * factor,
  dot: (a, b) => a * b,
  zero: () => 0,
  multiply: (a, b) => a * b,
  divide: (a, b) => a / b,
  sqrt: Math.sqrt,
  abs: Math.abs,
  sign: Math.sign,
  maximum: Math.max,
  clip: (a, limit) => Math.max(-limit, Math.min(limit, a)),
  shift: (a, amount) => a + amount,
  towards: (a, b, weight) => (a === undefined ? b * weight : a + (b - a) * weight),
};

const byProtocol = new WeakMap<object, Arithmetic>();

/** The arithmetic of a leaf's type, made once per type. */
export function arithmeticOf(leaf: Leaf): Arithmetic {
  if (typeof leaf === "number") return numbers;
  let arithmetic = byProtocol.get(leaf[vector]);
  if (arithmetic === undefined) {
    arithmetic = arithmeticBy(leaf[vector], leaf[pointwise] ?? withoutPointwise);
    byProtocol.set(leaf[vector], arithmetic);
  }
  return arithmetic;
}

function arithmeticBy(v: VectorLeaf<Leaf>, p: PointwiseLeaf<Leaf>): Arithmetic {
  return {
    add: (a, b) => v.add(a, b),
    subtract: (a, b) => v.subtract(a, b),
    scale: (a, factor) => v.scale(a, factor),
    dot: (a, b) => v.dot(a, b),
    zero: (a) => v.zero(a),
    multiply: (a, b) => p.multiply(a, b),
    divide: (a, b) => p.divide(a, b),
    sqrt: (a) => p.sqrt(a),
    abs: (a) => p.abs(a),
    sign: (a) => p.sign(a),
    maximum: (a, b) => p.maximum(a, b),
    clip: (a, limit) => {
      const bound = shift(v.zero(a), limit);
      return p.maximum(v.scale(bound, -1), p.minimum(bound, a));
    },
    shift,
    towards: (a, b, weight) => (a === undefined ? v.scale(b, weight) : v.add(a, v.scale(v.subtract(b, a), weight))),
  };
}

/** The protocols have no constants; tensors do. */
function shift(a: Leaf, amount: number): Leaf {
  return a instanceof Tensor ? a.add(amount) : refuse();
}

function refuse(): never {
  throw new ParameterError("the model has a leaf type without the elementwise operations that this optimizer needs", {
    code: "PB7403",
    hint: "SGD, without clipping by value, moves every leaf type; the others move numbers and tensors.",
  });
}

const withoutPointwise: PointwiseLeaf<Leaf> = {
  multiply: refuse,
  divide: refuse,
  sqrt: refuse,
  abs: refuse,
  sign: refuse,
  maximum: refuse,
  minimum: refuse,
};
