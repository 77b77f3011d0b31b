/** Types and values must agree: each case states the tangent's type and checks the run-time zero of a value. */
import { expect, test } from "@jest/globals";
import {
  type DifferentiableFunction,
  type Gradients,
  gradient,
  type Int,
  type NoDerivative,
  pullback,
  type TangentVector,
  type VectorLeaf,
  valueWithGradient,
  vector,
  zeroTangent,
} from "../index.ts";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
/** Writes an object type out, so that mapped types compare equal to literal ones. */
type Plain<T> = T extends readonly unknown[] ? T : T extends object ? { [K in keyof T]: T[K] } : T;
function is<_T extends true>(): void {}

/** A stand-in for Tensor: a leaf of pairs. */
class Pair {
  readonly size = 2;
  constructor(
    readonly x: number,
    readonly y: number,
  ) {}
  get [vector](): VectorLeaf<Pair> {
    return pairVector;
  }
}
const pairVector: VectorLeaf<Pair> = {
  add: (a, b) => new Pair(a.x + b.x, a.y + b.y),
  subtract: (a, b) => new Pair(a.x - b.x, a.y - b.y),
  scale: (a, k) => new Pair(a.x * k, a.y * k),
  dot: (a, b) => a.x * b.x + a.y * b.y,
  zero: () => new Pair(0, 0),
};

class Spring {
  protected hidden = 1;
  private secret = 2;
  constructor(
    public k: number,
    public readonly name: string,
  ) {}
  force(x: number) {
    return -this.k * x * this.hidden * this.secret;
  }
}

test("numbers, leaves, arrays, tuples, typed arrays, Maps", () => {
  is<Equal<TangentVector<number>, number>>();
  is<Equal<TangentVector<Pair>, Pair>>();
  is<Equal<TangentVector<readonly number[]>, number[]>>();
  is<Equal<TangentVector<[number, string, Pair]>, [number, undefined, Pair]>>();
  is<Equal<TangentVector<Map<string, number>>, Map<string, number>>>();
  is<Equal<TangentVector<Float32Array>, Float32Array>>();
  is<Equal<TangentVector<Int32Array>, undefined>>();
  is<Equal<TangentVector<string>, undefined>>();
  is<Equal<TangentVector<boolean | null | undefined>, undefined>>();
  expect(zeroTangent([1, 2])).toEqual([0, 0]);
  expect(zeroTangent([1, "a", new Pair(1, 2)])).toEqual([0, undefined, new Pair(0, 0)]);
  expect(zeroTangent(new Map([["a", 3]]))).toEqual(new Map([["a", 0]]));
  expect(zeroTangent(Float32Array.of(1, 2))).toEqual(Float32Array.of(0, 0));
  expect(zeroTangent(Int32Array.of(1, 2))).toBeUndefined();
});

test("objects keep their differentiable public fields only", () => {
  is<Equal<Plain<TangentVector<Spring>>, { k: number }>>();
  is<Equal<keyof TangentVector<{ name: string; on: boolean; f(): void }>, never>>();
  is<
    Equal<
      Plain<TangentVector<{ readonly a: number; s: Set<number>; when: Date; n: Int; m: Map<string, number> }>>,
      { a: number; m: Map<string, number> }
    >
  >();
  is<Equal<Plain<TangentVector<Record<string, Pair>>>, { [x: string]: Pair }>>();
  expect(zeroTangent({ name: "a", on: true, f() {} })).toEqual({});
  expect(zeroTangent({ a: 1, s: new Set([1]), when: new Date() })).toEqual({ a: 0 });
});

test("brands are weak: any value is assignable, and none has a tangent", () => {
  const flag: NoDerivative<boolean> = true;
  const count: Int = 3;
  const maybe: NoDerivative<string | undefined> = undefined;
  const config: NoDerivative<Readonly<{ width: number }>> = { width: 3 };
  const activation: DifferentiableFunction<(x: number) => number> = (x) => x;
  expect([flag, count, maybe, config.width + 1, activation(2)]).toEqual([true, 3, undefined, 4, 2]);
  is<Equal<TangentVector<NoDerivative<Pair>>, undefined>>();
  is<Equal<TangentVector<Int>, undefined>>();
  is<Equal<keyof TangentVector<object>, never>>();
  interface Layer {
    weight: Pair;
    size: Int;
    training: NoDerivative<boolean>;
    mean: NoDerivative<Pair>;
    maybe: NoDerivative<Pair | undefined>;
    activation: DifferentiableFunction<(x: Pair) => Pair>;
  }
  is<Equal<Plain<TangentVector<Layer>>, { weight: Pair }>>();
  // @ts-expect-error a brand does not make other types assignable
  const wrong: Int = "3";
  expect(wrong).toBe("3");
});

test("unions by branch, optional fields, recursive types", () => {
  is<Equal<TangentVector<number | string>, number | undefined>>();
  is<Equal<TangentVector<{ kind: "a"; r: number } | { kind: "b"; w: Pair }>, { r: number } | { w: Pair }>>();
  interface Tree {
    value: number;
    label: string;
    left?: Tree;
    children: Tree[];
  }
  const t: TangentVector<Tree> = { value: 1, left: { value: 2, children: [] }, children: [{ value: 3, children: [] }] };
  const inner: number | undefined = t.left?.left?.children[0]?.value;
  expect(inner).toBeUndefined();
  // @ts-expect-error the label has no tangent
  t.label;
  const tree: Tree = { value: 1, label: "root", children: [{ value: 2, label: "leaf", children: [] }] };
  expect(zeroTangent(tree)).toEqual({ value: 0, children: [{ value: 0, children: [] }] });
});

interface Layer<In, Out> {
  forward(input: In): Out;
}
class Linear implements Layer<Pair, Pair> {
  constructor(readonly weight: Pair) {}
  forward(x: Pair) {
    return new Pair(x.x * this.weight.x, x.y * this.weight.y);
  }
}
class Sequential<const L extends readonly Layer<any, any>[]> {
  readonly layers: L;
  constructor(...layers: L) {
    this.layers = layers;
  }
}

test("a sequence's tangent is typed layer by layer; one behind an interface is {}", () => {
  const model = new Sequential(new Linear(new Pair(1, 2)), new Linear(new Pair(3, 4)));
  const t = zeroTangent(model);
  const weight: Pair = t.layers[0].weight;
  expect(weight).toEqual(new Pair(0, 0));
  // @ts-expect-error there are two layers
  expect(t.layers[2]).toBeUndefined();
  type Behind = TangentVector<{ layers: Layer<Pair, Pair>[] }>;
  is<Equal<keyof Behind["layers"][0], never>>();
});

test("operators: bare for one differentiable parameter, a tuple for several, wrt", () => {
  // Types only: the functions are never differentiated here.
  const types = () => {
    const one = gradient((x: number) => x)(1);
    is<Equal<typeof one, number>>();
    const two = gradient((x: number, p: Pair) => x * p.x)(1, new Pair(1, 2));
    is<Equal<typeof two, [number, Pair]>>();
    const skipped = gradient((x: number, name: string) => x * name.length)(1, "a");
    is<Equal<typeof skipped, number>>();
    const methods = gradient((s: Spring, x: number) => s.force(x))(new Spring(1, "a"), 2);
    is<Equal<Plain<(typeof methods)[0]>, { k: number }>>();
    const optional = gradient((x: number, y?: number, z = 2) => x * (y ?? 1) * z)(1);
    is<Equal<typeof optional, [number, number, number]>>();
    const rest = gradient((x: number, ...others: number[]) => x * others.length)(1, 2, 3);
    is<Equal<typeof rest, [number, number[]]>>();
    const onlyRest = gradient((...xs: number[]) => xs.length)(1, 2);
    is<Equal<typeof onlyRest, number[]>>();
    const first = gradient((x: number, p: Pair) => x * p.x, { wrt: 0 })(1, new Pair(1, 2));
    is<Equal<typeof first, number>>();
    const list = gradient((x: number, p: Pair) => x * p.x, { wrt: [1] })(1, new Pair(1, 2));
    is<Equal<typeof list, [Pair]>>();
    const { value, gradient: g } = valueWithGradient((m: Linear) => m.weight.x)(new Linear(new Pair(1, 2)));
    is<Equal<typeof value, number>>();
    is<Equal<Plain<typeof g>, { weight: Pair }>>();
    const back = pullback((x: number) => [x, 2 * x])(1);
    is<Equal<typeof back, (cotangent: number[]) => number>>();
    // @ts-expect-error the argument is required
    gradient((x: number) => x)();
    // @ts-expect-error a string is not a number
    gradient((x: number) => x)("1");
  };
  expect(typeof types).toBe("function");
  is<Equal<Gradients<[a: number, b: string]>, number>>();
  is<Equal<Gradients<[]>, []>>();
});

test("code generic in the model checks", () => {
  function step<M extends Layer<Pair, Pair>>(
    model: M,
    loss: DifferentiableFunction<(m: M) => number>,
  ): TangentVector<M> {
    return gradient(loss)(model);
  }
  function both<M>(
    model: M,
    loss: DifferentiableFunction<(m: M) => number>,
  ): { value: number; gradient: TangentVector<M> } {
    return valueWithGradient(loss)(model);
  }
  function batched<M, B>(model: M, batch: B, loss: DifferentiableFunction<(m: M, b: B) => number>): TangentVector<M> {
    return valueWithGradient(loss, { wrt: 0 })(model, batch).gradient;
  }
  const typed: (model: Linear, loss: (m: Linear) => number) => { weight: Pair } = step<Linear>;
  expect([typeof typed, typeof both, typeof batched]).toEqual(["function", "function", "function"]);
});
