import { describe, expect, test } from "@jest/globals";
import type { HirFunction } from "./index.ts";
import {
  Builder,
  buildFunction,
  copyFunction,
  interpret,
  intType,
  numberType,
  printFunction,
  problems,
} from "./index.ts";

/** `for (let i = 0; i < n; i++) x = sin(x) * a + i; return x` */
function iterate(): HirFunction {
  return buildFunction(
    {
      name: "iterate",
      params: [
        ["x", numberType],
        ["a", numberType],
        ["n", intType],
      ],
    },
    (b, x, a, n) => {
      const zero = b.const(0, intType);
      return b.loop({ initial: [x!], counted: { start: zero, end: n!, comparison: "<", step: 1 } }, (body, i, y) => [
        body.prim("+", [body.prim("*", [body.math("sin", [y!]), a!]), i!]),
      ])[0]!;
    },
  );
}

describe("the interpreter", () => {
  test("runs counted loops", () => {
    let x = 0.3;
    for (let i = 0; i < 5; i++) x = Math.sin(x) * 1.5 + i;
    expect(interpret(iterate(), [0.3, 1.5, 5])).toBe(x);
  });

  test("runs loops that break, with a test before or after", () => {
    const shape = { name: "f", params: [["n", intType]] as const };
    // do { k = k + 1; if (k === 7) break; } while (k < n)
    const f = buildFunction(
      shape,
      (b, n) =>
        b.loop(
          { initial: [b.const(0)], testAfter: true, hasBreak: true, test: (t, k) => t.prim("<", [k!, n!]) },
          (body, k) => {
            const next = body.prim("+", [k!, body.const(1)]);
            return [next, body.prim("!==", [next, body.const(7)])];
          },
        )[0]!,
    );
    expect([0, 3, 100].map((n) => interpret(f, [n]))).toEqual([1, 3, 7]);
  });

  test("runs branches, memory and closures", () => {
    const f = buildFunction({ name: "f", params: [["x", numberType]] }, (b, x) => {
      const a = b.array([x!, b.const(2)]);
      b.store(a, b.const(1), b.prim("*", [x!, x!]));
      const inner = buildFunction(
        { name: "inner", params: [["y", numberType]], captures: [["x", numberType]], ids: b.ids },
        (c, y, captured) => c.prim("*", [y!, captured!]),
      );
      const g = b.closure(inner, [x!]);
      const product = b.call({ kind: "value" }, [g, b.load(a, b.const(1))], numberType);
      return b.if(
        b.prim(">", [product, b.const(0)]),
        () => [product],
        (c) => [c.prim("neg", [product])],
      )[0]!;
    });
    expect(problems(f)).toEqual([]);
    expect(interpret(f, [-3])).toBe(27);
  });
});

describe("printing and verifying", () => {
  test("prints the same text for a copy with fresh values", () => {
    expect(printFunction(copyFunction(iterate(), { next: 100 }))).toBe(printFunction(iterate()));
    expect(printFunction(iterate())).toBe(
      [
        "function iterate(%x.0: number, %a.1: number, %n.2: -Int) -> number {",
        "  %3 = const 0",
        "  %x.4 = loop counted %3 < %n.2 step 1 from (%x.0) body (%i.5, %x.6) {",
        "    %7 = Math.sin %x.6",
        "    %8 = * %7, %a.1",
        "    %9 = + %8, %i.5",
        "    yield %9",
        "  }",
        "  yield %x.4",
        "}",
      ].join("\n"),
    );
  });

  test("finds values out of scope, double definitions and wrong arities", () => {
    const f = iterate();
    const loop = f.body.ops[1] as any;
    const inside = loop.body.ops[0].results[0];
    expect(problems({ ...f, body: { ...f.body, results: [inside] } })[0]).toMatch(/out of scope/);
    expect(problems({ ...f, body: { ...f.body, ops: [...f.body.ops, f.body.ops[0]!] } })[0]).toMatch(/defined twice/);
    expect(problems({ ...f, body: { ...f.body, ops: [f.body.ops[0]!, { ...loop, results: [] }] } })[0]).toMatch(
      /0 values where 1/,
    );
    const b = new Builder([], { next: 0 });
    const undefinedValue = b.value(numberType);
    expect(
      problems(buildFunction({ name: "g", params: [], ids: b.ids }, (c) => c.math("sin", [undefinedValue])))[0],
    ).toMatch(/not defined before/);
  });
});
