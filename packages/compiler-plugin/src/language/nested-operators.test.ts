/** Operators inside differentiated code, and derivatives of derivatives through other files: against central differences. */
import { describe, expect, test } from "@jest/globals";
import {
  checkpoint,
  derivative,
  differential,
  gradient,
  hessian,
  hessianVectorProduct,
  jacobian,
  pullback,
  valueWithGradient,
} from "@pullback/autodiff";
import { expectCentralDifferences, expectDirectional } from "./central-differences.ts";
import { Cubic, twist } from "./testdata/nested.ts";

const square = (x: number) => Math.sin(x) * x * x;
const twisted = (x: number) => twist(x, x);

describe("through functions of other files, recursion and methods", () => {
  const f = (x: number) => twist(x, x * 0.5);

  test("every pair of modes, and third order", () => {
    const second = gradient(gradient(f))(0.7);
    expectCentralDifferences(gradient(f), [0.7], [second], 1e-5);
    expect(derivative(gradient(f))(0.7)).toBeCloseTo(second, 10);
    expect(gradient(derivative(f))(0.7)).toBeCloseTo(second, 10);
    expect(derivative(derivative(f))(0.7)).toBeCloseTo(second, 10);
    const third = gradient(gradient(gradient(f)))(0.7);
    expectCentralDifferences(gradient(gradient(f)), [0.7], [third], 1e-5);
    expect(derivative(gradient(derivative(f)))(0.7)).toBeCloseTo(third, 9);
    expect(gradient(derivative(gradient(f)))(0.7)).toBeCloseTo(third, 9);
  });

  test("hessian, jacobian of the gradient, products with a struct's Hessian, mixed parameters", () => {
    const ring = (a: number[]) => {
      let s = 0;
      for (let i = 0; i < a.length; i++) s += twist(a[i] as number, a[(i + 1) % a.length] as number);
      return s;
    };
    const at = [0.3, 0.8, -0.4];
    const matrix = hessian(ring)(at);
    const rows = jacobian(gradient(ring))(at);
    const columns = at.map((_, j) => differential(gradient(ring))(at)(at.map((_, i) => (i === j ? 1 : 0))));
    for (let i = 0; i < 3; i++) {
      for (let j = 0; j < 3; j++) {
        expect(matrix[i]?.[j]).toBeCloseTo(columns[j]?.[i] as number, 10);
        expect(rows[i]?.[j]).toBeCloseTo(columns[j]?.[i] as number, 10);
      }
    }
    expectDirectional(gradient(ring), [at], (v: number[]) => hessianVectorProduct(ring)(at, v), 1e-5);
    const energy = (p: Cubic) => Math.exp(p.at(1.3) * 0.1) * p.at(1.3);
    const product = hessianVectorProduct(energy)(new Cubic([1, 2, 3]), { c: [0.3, -1, 0.5] });
    const near = (h: number) => gradient(energy)(new Cubic([1 + 0.3 * h, 2 - h, 3 + 0.5 * h])).c;
    const [up, down] = [near(1e-5), near(-1e-5)];
    product.c.forEach((x, i) => {
      expect(x).toBeCloseTo(((up[i] as number) - (down[i] as number)) / 2e-5, 6);
    });
    const slope = gradient((x: number, y: number) => twist(x, y) * y, { wrt: 0 });
    expectCentralDifferences(slope, [0.7, 0.4], gradient(slope)(0.7, 0.4), 1e-5);
  });
});

describe("an operator's result inside a differentiated function", () => {
  test("of named functions, of literals and of local functions that capture what varies", () => {
    const ofNamed = (x: number) => x * gradient(square)(x);
    expectCentralDifferences(ofNamed, [0.7], [gradient(ofNamed)(0.7)]);
    const ofOthers = (x: number) => x * gradient(twisted)(x * 0.5);
    expectCentralDifferences(ofOthers, [0.7], [gradient(ofOthers)(0.7)]);
    expectCentralDifferences(ofOthers, [0.7], [derivative(ofOthers)(0.7)]);
    function ofLiteral(x: number): number {
      const k = x * x;
      return gradient((y: number) => Math.exp(k * y) * y)(x) * k;
    }
    expectCentralDifferences(ofLiteral, [0.7], [gradient(ofLiteral)(0.7)]);
    function ofLocal(x: number): number {
      const k = x * x;
      const g = (y: number) => twist(y, k) * k;
      const slope = derivative(g);
      return gradient(g)(x) * slope(2 * x);
    }
    expectCentralDifferences(ofLocal, [0.7], [gradient(ofLocal)(0.7)]);
    expectCentralDifferences(ofLocal, [0.7], [derivative(ofLocal)(0.7)]);
    expectCentralDifferences(gradient(ofLocal), [0.7], [gradient(gradient(ofLocal))(0.7)], 1e-5);
  });

  test("the gradient of a loss after a step along its gradient; several steps in place", () => {
    function adapted(p: Cubic, x: number): number {
      const loss = (q: Cubic) => (q.at(x) - 2) ** 2;
      const d = gradient(loss)(p);
      return loss(new Cubic(p.c.map((c, i) => c - 0.1 * (d.c[i] as number))));
    }
    const point = () => new Cubic([0.4, -0.3, 0.2]);
    const got = gradient(adapted, { wrt: 0 })(point(), 0.9).c;
    got.forEach((slope, i) => {
      const moved = (h: number) => {
        const p = point();
        p.c[i] = (p.c[i] as number) + h;
        return adapted(p, 0.9);
      };
      expect(slope).toBeCloseTo((moved(1e-5) - moved(-1e-5)) / 2e-5, 7);
    });
    function descended(x: number): number {
      const a = [x, x * 2];
      const loss = (b: number[]) => twist(b[0] as number, b[1] as number) + (b[0] as number) * (b[1] as number);
      for (let n = 0; n < 3; n++) {
        const d = gradient(loss)(a);
        for (let i = 0; i < 2; i++) a[i] = (a[i] as number) - 0.05 * (d[i] as number);
      }
      return loss(a);
    }
    expectCentralDifferences(descended, [0.7], [gradient(descended)(0.7)]);
    expectCentralDifferences(gradient(descended), [0.7], [gradient(gradient(descended))(0.7)], 1e-5);
  });

  test("of objects with fields of several kinds: a gradient penalty, and a pullback of several results", () => {
    class Pose {
      constructor(
        public at: { x: number; y: number },
        public angle: number,
        public readonly name: string,
      ) {}
      reach(length: number): number {
        return this.at.x * Math.cos(this.angle) + this.at.y * Math.sin(this.angle * length);
      }
    }
    function penalised(x: number): number {
      const pose = new Pose({ x, y: x * x }, x, "arm");
      const { value, gradient: slope } = valueWithGradient((p: Pose) => p.reach(x) ** 2)(pose);
      const pull = pullback((p: Pose, length: number) => [p.reach(length), p.at.x * length])(pose, x);
      const [ofPose, ofLength] = pull([x, slope.at.y]);
      return value + slope.angle ** 2 + ofPose.at.x * ofLength + ofPose.angle;
    }
    expectCentralDifferences(penalised, [0.7], [gradient(penalised)(0.7)]);
    expectCentralDifferences(penalised, [0.7], [derivative(penalised)(0.7)]);
    expectCentralDifferences(gradient(penalised), [0.7], [gradient(gradient(penalised))(0.7)], 1e-5);
    expectCentralDifferences(gradient(penalised), [0.7], [derivative(gradient(penalised))(0.7)], 1e-5);
  });

  test("typed arrays, tuples and rest parameters; a Newton iteration by Hessian products", () => {
    const total = (...xs: number[]) => xs.reduce((s, x) => s + x * x * x, 0);
    function mixed(x: number): number {
      const rows = jacobian((a: Float64Array) => {
        const out = new Float64Array(2);
        out[0] = (a[0] as number) * (a[1] as number);
        out[1] = (a[1] as number) * x;
        return out;
      })(Float64Array.of(x, 2 * x)) as number[][];
      const pair = jacobian((a: [number, number]): [number, number] => [a[0] * a[1], a[1] * x])([
        x,
        x * x,
      ]) as number[][];
      const tall = gradient(total)(x, x * x, 2) as unknown as number[];
      return (
        (rows[0]?.[1] as number) * (rows[1]?.[1] as number) + (pair[0]?.[0] as number) * x + (tall[1] as number) * x
      );
    }
    expectCentralDifferences(mixed, [0.7], [gradient(mixed)(0.7)]);
    expectCentralDifferences(gradient(mixed), [0.7], [gradient(gradient(mixed))(0.7)], 1e-5);
    function newton(target: number): number {
      let x = 1;
      const cost = (t: number) => (t * t * t - target) ** 2;
      for (let i = 0; i < 8; i++) x = x - gradient(cost)(x) / hessianVectorProduct(cost)(x, 1);
      return x;
    }
    expectCentralDifferences(newton, [2], [gradient(newton)(2)], 1e-5);
    expectCentralDifferences(newton, [2], [derivative(newton)(2)], 1e-5);
  });

  test("checkpoints of literals and of named functions, to second order", () => {
    function ofLiteral(x: number): number {
      const k = x * x;
      return checkpoint((y: number) => Math.sin(y * k))(x) * k;
    }
    const ofNamed = (x: number) => checkpoint(twisted)(x) * x;
    for (const [f, first, second] of [
      [ofLiteral, gradient(ofLiteral), gradient(gradient(ofLiteral))],
      [ofNamed, gradient(ofNamed), gradient(gradient(ofNamed))],
    ] as const) {
      expectCentralDifferences(f, [0.7], [first(0.7)]);
      expectCentralDifferences(first, [0.7], [second(0.7)], 1e-5);
    }
  });
});
