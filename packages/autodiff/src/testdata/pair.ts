/** A leaf type of two numbers, for tests: what Tensor is to core. */
import { PullbackError, type PointwiseLeaf, pointwise, type VectorLeaf, vector } from "../index.ts";

export class Pair {
  constructor(
    readonly x: number,
    readonly y: number,
    readonly exact = false,
  ) {}
  get [vector](): VectorLeaf<Pair> {
    return pairVector;
  }
  get [pointwise](): PointwiseLeaf<Pair> {
    return pairPointwise;
  }
  times(k: number): Pair {
    return new Pair(this.x * k, this.y * k);
  }
  inner(other: Pair): number {
    return this.x * other.x + this.y * other.y;
  }
  get sum(): number {
    return this.x + this.y;
  }
}

/** "exact" pairs stand for integer tensors. */
const pairVector: VectorLeaf<Pair> = {
  add: (a, b) => new Pair(a.x + b.x, a.y + b.y),
  subtract: (a, b) => new Pair(a.x - b.x, a.y - b.y),
  scale: (a, k) => new Pair(a.x * k, a.y * k),
  dot: (a, b) => a.x * b.x + a.y * b.y,
  zero: () => new Pair(0, 0),
  one: (a) => {
    if (a.y !== 0) throw new PullbackError("A pair with two components is no scalar.", { code: "PairError" });
    return new Pair(1, 0);
  },
  differentiable: (a) => !a.exact,
};

const each = (f: (...xs: number[]) => number) => (...pairs: Pair[]) => new Pair(f(...pairs.map((p) => p.x)), f(...pairs.map((p) => p.y)));

const pairPointwise: PointwiseLeaf<Pair> = {
  multiply: each((a, b) => a! * b!),
  divide: each((a, b) => a! / b!),
  sqrt: each(Math.sqrt),
  abs: each(Math.abs),
  sign: each(Math.sign),
  maximum: each(Math.max),
  minimum: each(Math.min),
};
