import { expect, test } from "@jest/globals";
import {
  type DifferentiableFunction,
  derivativeOf,
  getter,
  gradient,
  pullback,
  registerDerivative,
  valueWithPullback,
} from "../index.ts";
import * as $pb from "../runtime/index.ts";
import { codeOf } from "../testdata/code-of.ts";
import { Pair } from "../testdata/pair.ts";

/** Functions made from text have no source that a compiler could differentiate, like those of a third-party package. */
const fromText = <F extends (...args: any[]) => any>(...text: string[]) =>
  new Function(...text) as DifferentiableFunction<F>;

registerDerivative(Pair.prototype.times, {
  vjp: (self: Pair, k: number) => ({
    value: self.times(k),
    pullback: (ct: Pair, needs) => [
      needs?.[0] === false ? undefined : ct.times(k),
      needs?.[1] === false ? undefined : ct.inner(self),
    ],
  }),
});

registerDerivative(Pair.prototype.inner, {
  vjp: (self: Pair, other: Pair) => ({ value: self.inner(other), pullback: (ct) => [other.times(ct), self.times(ct)] }),
  wrt: ["this", 0],
});

registerDerivative(Pair, {
  vjp: (x, y) => ({ value: new Pair(x, y), pullback: (ct) => [ct.x, ct.y] }),
  wrt: [0, 1],
});

registerDerivative(getter(Pair, "sum"), {
  vjp: (self: Pair) => ({ value: self.sum, pullback: (ct) => new Pair(ct, ct) }),
});

test("a function: one entry per wrt, bare when there is one", () => {
  const f = fromText<(x: number, n: number) => number>("x", "n", "return x ** n");
  registerDerivative(f, { vjp: (x, n) => ({ value: f(x, n), pullback: (ct) => ct * n * x ** (n - 1) }), wrt: [0] });
  expect(gradient(f)(3, 2)).toBe(6);
  expect(codeOf(() => gradient(f, { wrt: 1 }))).toBe("PB2005");
  expect(derivativeOf(f)?.kinds).toBe("u-");
});

test("without wrt every parameter counts; undefined is zero", () => {
  const f = fromText<(p: Pair, x: number) => Pair>("p", "x", "return p.times(x)");
  registerDerivative(f, { vjp: (p, x) => ({ value: f(p, x), pullback: (ct) => [undefined, ct.inner(p)] }) });
  expect(pullback(f)(new Pair(1, 2), 3)(new Pair(5, 7))).toEqual([new Pair(0, 0), 19]);
});

test("by-reference parameters and results: needs, shadows, zeros filled in", () => {
  const seen: unknown[] = [];
  const f = fromText<(ps: Pair[], k: number) => { parts: Pair[]; first: number }>(
    "ps",
    "k",
    "return { parts: ps.map((p) => p.times(k)), first: ps[0].x }",
  );
  registerDerivative(f, {
    vjp: (ps, k) => ({
      value: f(ps, k),
      pullback: (ct, needs) => {
        seen.push([ct, needs]);
        const dps = ct.parts.map((p) => p.times(k));
        dps[0] = new Pair(dps[0]!.x + ct.first, dps[0]!.y);
        return [dps, ct.parts.reduce((sum, p, i) => sum + p.inner(ps[i]!), 0)];
      },
    }),
  });
  const ps = [new Pair(1, 2), new Pair(3, 4)];
  const { pullback: back } = valueWithPullback(f, { wrt: 0 })(ps, 2);
  expect(back({ parts: [undefined as never, new Pair(1, 0)], first: 5 })).toEqual([new Pair(5, 0), new Pair(2, 0)]);
  expect(seen).toEqual([[{ parts: [new Pair(0, 0), new Pair(1, 0)], first: 5 }, [true, false]]]);
  expect(back({ parts: [new Pair(1, 1), new Pair(0, 0)], first: 0 })).toEqual([new Pair(2, 2), new Pair(0, 0)]);
});

test("methods, getters and constructors through the call-site interface", () => {
  const times = $pb.variant(Pair.prototype.times, "11", "vv");
  const frame = times.forward(new Pair(1, 2), 3);
  expect(frame.value).toEqual(new Pair(3, 6));
  expect(times.backward(frame, new Pair(1, 10))).toEqual([new Pair(3, 30), 21]);
  expect($pb.variant(Pair.prototype.times, "11", "vv")).toBe(times);
  const onlyReceiver = $pb.variant(Pair.prototype.times, "10", "vv");
  expect(onlyReceiver.backward(onlyReceiver.forward(new Pair(1, 2), 3), new Pair(1, 1))).toEqual(new Pair(3, 3));
  const inner = $pb.variant(Pair.prototype.inner, "11", "vv");
  expect(inner.backward(inner.forward(new Pair(1, 2), new Pair(3, 4)), 2)).toEqual([new Pair(6, 8), new Pair(2, 4)]);
  const sum = $pb.variant(getter(Pair, "sum"), "1", "v");
  expect(sum.backward(sum.forward(new Pair(1, 2)), 4)).toEqual(new Pair(4, 4));
  const make = $pb.variant(Pair, "11", "vv");
  expect(make.backward(make.forward(1, 2), new Pair(8, 9))).toEqual([8, 9]);
});

test("a subclass does not inherit its base class's constructor derivative", () => {
  class Labelled extends Pair {}
  expect(derivativeOf(Labelled)).toBeUndefined();
});

test("mistakes in registrations", () => {
  expect(
    codeOf(() =>
      registerDerivative(Pair.prototype.inner, {
        vjp: (a: Pair, b: Pair) => ({ value: a.inner(b), pullback: () => [] }),
      }),
    ),
  ).toBe("PB3006");
  const f = fromText<(x: number) => number>("x", "return x");
  expect(codeOf(() => registerDerivative(f, { vjp: (x) => ({ value: x, pullback: (ct) => ct }), wrt: [0, 0] }))).toBe(
    "PB3007",
  );
  expect(codeOf(() => registerDerivative(3 as never, { vjp: () => ({ value: 0, pullback: () => 0 }) } as never))).toBe(
    "PB3008",
  );
  expect(codeOf(() => getter(Pair, "times" as "sum"))).toBe("PB3008");
  const badValue = { vjp: (x: number) => ({ value: String(x), pullback: (ct: number) => ct }) };
  const badPullback = { vjp: (x: number) => ({ value: x, pullback: () => "text" }) };
  // @ts-expect-error the rule's value must have the target's result type
  const wrong = () => registerDerivative(f, badValue);
  // @ts-expect-error the pullback returns tangents of the arguments
  const wrongToo = () => registerDerivative(f, badPullback);
  expect([typeof wrong, typeof wrongToo]).toEqual(["function", "function"]);
});

test("a registered derivative stays in force over a compiled one", () => {
  const f = fromText<(x: number) => number>("x", "return x * x");
  registerDerivative(f, { vjp: (x) => ({ value: f(x), pullback: (ct) => 100 * ct * x }) });
  $pb.attach(f, {
    abi: 1,
    name: "f",
    kinds: "v",
    variants: { "1": { forward: (x) => ({ value: x * x, x }), backward: ({ x }, ct) => 2 * x * ct } },
  });
  expect(gradient(f)(3)).toBe(300);
});

test("another ABI version is refused", () => {
  const f = fromText<(x: number) => number>("x", "return x");
  $pb.attach(f, { abi: 2 as 1, name: "f", kinds: "v", variants: {} });
  expect(codeOf(() => gradient(f))).toBe("PB9002");
});

test("arguments beyond the parameters known at run time reach the rule", () => {
  const power = fromText<(x: number, options?: { exponent: number }) => number>(
    "x",
    "options = { exponent: 2 }",
    "return x ** options.exponent",
  );
  registerDerivative(power, {
    wrt: [0],
    vjp: (x: number, { exponent }: { exponent: number } = { exponent: 2 }) => ({
      value: power(x, { exponent }),
      pullback: (ct: number) => ct * exponent * x ** (exponent - 1),
    }),
  });
  expect(gradient(power, { wrt: 0 })(3)).toBe(6);
  expect(gradient(power, { wrt: 0 })(3, { exponent: 3 })).toBe(27);
  expect(pullback(power, { wrt: [0] })(3, { exponent: 3 })(2)).toEqual([54]);
});
