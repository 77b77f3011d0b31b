/** Loops that the compiler may undo at once, number, or read memory again for; and the neighbours where it must not. */
import { describe, expect, test } from "@jest/globals";
import { gradient, pullback } from "@pullback/autodiff";
import { expectCentralDifferences } from "./central-differences.ts";

const a = [0.4, -1.2, 0.9, 2.1];
const b = [1.5, 0.3, -0.7, 0.8];

describe("sums whose iterations are undone at once", () => {
  test("a mean over samples, with a branch and an inner sum", () => {
    function f(w: number[], bias: number): number {
      let loss = 0;
      for (let i = 0; i < 5; i++) {
        let y = bias;
        for (let k = 0; k < w.length; k++) y += w[k] * Math.sin(i + k);
        if (y > 0) loss += y * y * bias;
        else loss -= y * w[0];
      }
      return loss / 5;
    }
    expectCentralDifferences(f, [a, 0.3], gradient(f)(a, 0.3));
  });

  test("triangular pairs", () => {
    function f(x: number[]): number {
      let energy = 0;
      for (let i = 0; i < x.length; i++) for (let j = 0; j < i; j++) energy += Math.exp(-((x[i] - x[j]) ** 2));
      return energy;
    }
    expectCentralDifferences(f, [a], [gradient(f)(a)]);
  });

  test("the adjoint of the sum is known only after the loop", () => {
    function f(x: number[]): number {
      let squares = 0;
      for (let i = 0; i < x.length; i++) squares += x[i] * x[i];
      return Math.sqrt(squares);
    }
    expectCentralDifferences(f, [a], [gradient(f)(a)]);
  });

  test("a slot that is overwritten after the sum that reads it", () => {
    function f(x: number[], y: number): number {
      const own = [...x];
      let sum = 0;
      for (let i = 0; i < own.length; i++) sum += own[i] * own[i];
      own[1] = y * y;
      for (let i = 0; i < own.length; i++) sum += Math.sin(own[i]);
      return sum;
    }
    expectCentralDifferences(f, [a, 0.7], gradient(f)(a, 0.7));
  });

  test("the argument itself is overwritten after the sum", () => {
    function f(x: number[], y: number): number {
      let sum = 0;
      for (let i = 0; i < x.length; i++) sum += x[i] ** 3;
      x[0] = y * sum;
      return sum + x[0];
    }
    expectCentralDifferences(f, [a, 0.7], gradient(f)([...a], 0.7));
  });

  test("a list that is popped after the sum that reads it", () => {
    function f(x: number[]): number {
      const list: number[] = [];
      for (const each of x) list.push(each * each);
      let sum = 0;
      for (let i = 0; i < list.length; i++) sum += Math.sin(list[i]);
      const last = list.pop() as number;
      return sum + last * x[0];
    }
    expectCentralDifferences(f, [a], [gradient(f)(a)]);
  });

  test("objects made in an iteration, and one that outlives it", () => {
    function f(x: number[]): number {
      let best = { at: x[0], weight: 1 };
      let sum = 0;
      for (let i = 1; i < x.length; i++) {
        const point = { at: x[i], weight: x[i] * 2 };
        point.weight *= point.at;
        sum += point.weight;
        if (point.at > best.at) best = point;
      }
      return sum + best.weight * best.at;
    }
    expectCentralDifferences(f, [a], [gradient(f)(a)]);
  });

  test("a call that writes into its argument", () => {
    function shift(v: number[], by: number): number {
      for (let i = 0; i < v.length; i++) v[i] += by * i;
      return v[v.length - 1];
    }
    function f(x: number[], y: number): number {
      const own = [...x];
      let sum = 0;
      for (let n = 0; n < 3; n++) sum += shift(own, y) * own[0];
      return sum;
    }
    expectCentralDifferences(f, [a, 0.7], gradient(f)(a, 0.7));
  });
});

describe("memory that is read again", () => {
  test("a state that is rebuilt per step", () => {
    function f(x: number[], w: number): number {
      let state = x;
      for (let t = 0; t < 3; t++) {
        const next = new Array<number>(state.length).fill(0);
        for (let i = 0; i < state.length; i++) next[i] = Math.sin(state[i] * w) + state[(i + 1) % state.length];
        state = next;
      }
      let sum = 0;
      for (const s of state) sum += s * s;
      return sum;
    }
    expectCentralDifferences(f, [a, 0.8], gradient(f)(a, 0.8));
  });

  test("two buffers that change places", () => {
    function f(x: number[], w: number): number {
      let now = [...x];
      let next = new Array<number>(x.length).fill(0);
      for (let t = 0; t < 4; t++) {
        for (let i = 0; i < x.length; i++) next[i] = now[i] * now[i] * w + 0.1 * now[(i + 1) % x.length];
        [now, next] = [next, now];
      }
      let sum = 0;
      for (const s of now) sum += Math.sin(s);
      return sum;
    }
    expectCentralDifferences(f, [a, 0.4], gradient(f)(a, 0.4));
  });

  test("an array that is written again after it was read, in the same loop and in the next", () => {
    function f(x: number[]): number {
      const y = new Float64Array(x.length);
      let sum = 0;
      for (let n = 0; n < 2; n++) {
        for (let i = 0; i < x.length; i++) y[i] = y[i] * x[i] + x[i];
        for (let i = 0; i < x.length; i++) sum += y[i] * y[i];
      }
      for (let i = 0; i < x.length; i++) y[i] = x[i];
      return sum + y[0] * y[1];
    }
    expectCentralDifferences(f, [a], [gradient(f)(a)]);
  });

  test("two names for one array", () => {
    function f(x: number[]): number {
      const own = [...x];
      const same = own;
      const before = own[0] * own[0];
      same[0] = own[1] * own[0];
      return before + own[0] * own[0] * same[0];
    }
    expectCentralDifferences(f, [a], [gradient(f)(a)]);
  });
});

describe("stacks of nested loops", () => {
  test("loops with counts, without, and with a branch between", () => {
    function f(x: number[], rows: number): number {
      let y = 0.5;
      for (let n = 0; n < rows; n++) {
        for (let i = 0; i < x.length; i++) y = Math.sin(y * x[i]) + 0.3;
        if (y > 0.4) for (let i = n; i < 3; i++) y = y * x[i] + Math.cos(y);
        for (let k = 0; y < 2 && k < 3; k++) y = y * y + x[0];
      }
      return y;
    }
    expectCentralDifferences(f, [b, 2.5], gradient(f)(b, 2.5));
  });

  test("a pullback of nested loops answers twice", () => {
    const back = pullback((x: number[]) => {
      let y = 1;
      for (let i = 0; i < x.length; i++) for (let j = 0; j <= i; j++) y = Math.sin(y * x[j]) + x[i];
      return y;
    })(a);
    const first = back(1);
    expect(back(2)).toEqual((first as number[]).map((d) => 2 * d));
    expect(back(1)).toEqual(first);
  });

  test("no iterations: negative, fractional and undefined counts", () => {
    const f = gradient(
      (x: number, n: number) => {
        for (let i = 0; i < n; i++) x = Math.sin(x) * x;
        return x;
      },
      { wrt: 0 },
    );
    expect(f(2, -3)).toBe(1);
    expect(f(2, Number.NaN)).toBe(1);
    expect(f(2, 0.5)).toBeCloseTo(Math.cos(2) * 2 + Math.sin(2), 12);
  });
});
