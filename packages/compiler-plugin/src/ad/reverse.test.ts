/** Derivatives of hand-built HIR, run by the interpreter, against central differences. */
import { describe, expect, test } from "@jest/globals";
import ts from "typescript";
import { emitDerivative } from "../emit/index.ts";
import {
  arrayOf,
  type Builder,
  buildFunction,
  type HirFunction,
  interpret,
  intType,
  numberType,
  type Program,
  verify,
} from "../hir/index.ts";
import { type DerivedFunction, differentiate } from "./index.ts";

const numbers = arrayOf(numberType);

function programOf(...functions: HirFunction[]): Program {
  const byKey = new Map(functions.map((f) => [f.key, f]));
  return {
    lower: (key) => byKey.get(key) as HirFunction,
    structOf: () => ({ kind: "struct", name: "", fields: () => new Map() }),
  };
}

const zeroLike = (x: any): any =>
  typeof x === "number"
    ? 0
    : Array.isArray(x)
      ? x.map(zeroLike)
      : Object.fromEntries(Object.entries(x).map(([k, v]) => [k, zeroLike(v)]));
const clear = (x: any): void => {
  for (const k of Object.keys(x)) {
    if (typeof x[k] === "number") x[k] = 0;
    else clear(x[k]);
  }
};
const copy = (x: any): any => (typeof x === "object" ? structuredClone(x) : x);

function environment(program: Program): Parameters<typeof interpret>[2] {
  const derived = new Map<string, DerivedFunction>();
  const env: Parameters<typeof interpret>[2] = {
    program,
    runtime: { zeroShadow: zeroLike, add: (a: any, b: any) => (a === undefined ? b : b === undefined ? a : a + b) },
    sweep: (op, args) => {
      const { callee } = op;
      if (callee.kind !== "known") throw new Error("only known callees here");
      const key = `${callee.key}|${op.mask}`;
      const d = derived.get(key) ?? differentiate(program, { key: callee.key, mask: op.mask });
      derived.set(key, d);
      return interpret(d[op.sweep as "forward" | "backward"], args, env);
    },
  };
  return env;
}

/** An entry that is read before it is written shows. */
const poisoned = (length: number) => new Float64Array(length).fill(Number.NaN);

/** The printed derivative of `main` and of everything that it demands, as functions that run. */
function compiled(program: Program, main: DerivedFunction): Record<string, (...args: any[]) => any> {
  const seen = new Map<string, DerivedFunction>();
  const queue = [main];
  const nameOf = (key: string, mask: string) => {
    const base = `${program.lower(key).name}_${mask}`;
    return { joint: `${base}$gradient`, forward: `${base}$forward`, backward: `${base}$backward`, jvp: `${base}$jvp` };
  };
  let text = "";
  for (let d = queue.shift(); d !== undefined; d = queue.shift()) {
    if (seen.has(d.key + d.mask)) continue;
    seen.set(d.key + d.mask, d);
    text += emitDerivative(d, { joint: true, split: true, names: nameOf(d.key, d.mask), local: nameOf }).text;
    text += "\n";
    for (const demand of d.demands) queue.push(differentiate(program, demand));
  }
  const names = nameOf(main.key, main.mask);
  const { outputText } = ts.transpileModule(text, { compilerOptions: { target: ts.ScriptTarget.ES2022 } });
  const all = `return { joint: ${names.joint}, forward: ${names.forward}, backward: ${names.backward} };`;
  try {
    return new Function("$pb", `${outputText}\n${all}`)({ zeroShadow: zeroLike, borrow: poisoned, giveBack: () => {} });
  } catch (error) {
    throw new Error(`${error}\n${text}`);
  }
}

/** Gradient of `main` at `args` by the joint and the split form (backward twice on one frame), all active. */
function gradients(program: Program, main: HirFunction, args: any[]): any[][] {
  const mask = main.params.map((p) => (p.type.kind === "inert" ? "0" : "1")).join("");
  const derived = differentiate(program, { key: main.key, mask });
  expect(derived.diagnostics).toEqual([]);
  for (const f of [derived.joint, derived.forward, derived.backward]) verify(f, "vjp");
  const env = environment(program);
  const gather = (shadows: Map<number, any>, cotangents: any): any[] => {
    const byValue = main.params.flatMap((p, i) => (p.type.kind === "number" ? [i] : []));
    const list = byValue.length === 1 ? [cotangents] : (cotangents ?? []);
    return main.params.flatMap((p, i) => (p.type.kind === "inert" ? [] : [shadows.get(i) ?? list[byValue.indexOf(i)]]));
  };
  const setUp = () => {
    const own = args.map(copy);
    const shadows = new Map(
      main.params.flatMap((p, i) =>
        p.type.kind === "number" || p.type.kind === "inert" ? [] : [[i, zeroLike(own[i])] as const],
      ),
    );
    return { own, shadows };
  };
  const a = setUp();
  const joint = interpret(derived.joint, [...a.own, ...a.shadows.values(), 1], env);
  const b = setUp();
  const frame = interpret(derived.forward, [...b.own, ...b.shadows.values()], env);
  expect(frame.value).toBe(joint.value);
  const first = gather(b.shadows, interpret(derived.backward, [frame, 1], env)).map(copy);
  // Once more on the same frame: the shadows of the arguments are cleared first, everything else is the frame's.
  for (const s of b.shadows.values()) clear(s);
  const second = gather(b.shadows, interpret(derived.backward, [frame, 1], env));
  const code = compiled(program, derived);
  const c = setUp();
  const printed = code.joint!(...c.own, ...c.shadows.values(), 1);
  const d = setUp();
  const printedFrame = code.forward!(...d.own, ...d.shadows.values());
  const printedCotangents = code.backward!(printedFrame, 1);
  return [
    gather(a.shadows, joint.cotangents),
    first,
    second,
    gather(c.shadows, printed.cotangents),
    gather(d.shadows, printedCotangents),
  ];
}

function central(program: Program, main: HirFunction, args: any[]): any[] {
  const run = (values: any[]) => interpret(main, values.map(copy), { program });
  const slope = (set: (values: any[], x: number) => void, x: number) => {
    const h = 1e-5 * Math.max(1, Math.abs(x));
    const at = (y: number) => {
      const values = args.map(copy);
      set(values, y);
      return run(values);
    };
    return (at(x + h) - at(x - h)) / (2 * h);
  };
  const walk = (x: any, set: (values: any[], x: any) => void, get: (values: any[]) => any): any => {
    if (typeof x === "number") return slope(set, x);
    const entries = Object.keys(x).map(
      (k) =>
        [
          k,
          walk(
            x[k],
            (v, y) => {
              get(v)[k] = y;
            },
            (v) => get(v)[k],
          ),
        ] as const,
    );
    return Array.isArray(x) ? entries.map(([, v]) => v) : Object.fromEntries(entries);
  };
  return args.flatMap((x, i) =>
    main.params[i]!.type.kind === "inert"
      ? []
      : [
          walk(
            x,
            (v, y) => {
              v[i] = y;
            },
            (v) => v[i],
          ),
        ],
  );
}

function close(actual: any, expected: any): void {
  if (typeof expected === "number") {
    expect(Math.abs(actual - expected)).toBeLessThanOrEqual(1e-6 * Math.max(1, Math.abs(expected)));
    return;
  }
  expect(Object.keys(actual)).toEqual(Object.keys(expected));
  for (const k of Object.keys(expected)) close(actual[k], expected[k]);
}

function check(main: HirFunction, args: any[], ...others: HirFunction[]): void {
  const program = programOf(main, ...others);
  const expected = central(program, main, args);
  for (const g of gradients(program, main, args)) close(g, expected);
}

const fn = (params: readonly (readonly [string, any])[], body: (b: Builder, ...p: any[]) => any, name = "f") =>
  buildFunction({ name, params }, body);
const forUp = (
  b: Builder,
  n: any,
  initial: any[],
  body: (b: Builder, i: any, ...c: any[]) => any[],
  names: string[] = [],
) =>
  b.loop(
    { initial, counted: { start: b.const(0, intType), end: n, comparison: "<", step: 1 }, names },
    (c, i, ...rest) => body(c, i, ...rest),
  );

describe("straight-line code", () => {
  test("x * sin(y)", () =>
    check(
      fn(
        [
          ["x", numberType],
          ["y", numberType],
        ],
        (b, x, y) => b.prim("*", [x, b.math("sin", [y])]),
      ),
      [2, 1],
    ));

  test.each([
    "abs",
    "sqrt",
    "cbrt",
    "exp",
    "expm1",
    "log",
    "log1p",
    "log2",
    "log10",
    "sin",
    "cos",
    "tan",
    "asin",
    "acos",
    "atan",
    "sinh",
    "cosh",
    "tanh",
    "asinh",
    "atanh",
  ])("Math.%s", (name) => {
    for (const x of [0.3, 0.71])
      check(
        fn([["x", numberType]], (b, v) => b.math(name, [v])),
        [x],
      );
  });
  test("Math.acosh", () =>
    check(
      fn([["x", numberType]], (b, v) => b.math("acosh", [v])),
      [1.7],
    ));

  test.each(["+", "-", "*", "/", "%", "**"])("%s", (op) =>
    check(
      fn(
        [
          ["x", numberType],
          ["y", numberType],
        ],
        (b, x, y) => b.prim(op, [x, y]),
      ),
      [3.3, 1.4],
    ),
  );
  test.each(["atan2", "hypot", "pow", "max", "min"])("Math.%s of two", (name) =>
    check(
      fn(
        [
          ["x", numberType],
          ["y", numberType],
        ],
        (b, x, y) => b.math(name, [x, y]),
      ),
      [3.3, 1.4],
    ),
  );

  test("ties, kinks and corners follow the conventions", () => {
    const at = (f: HirFunction, ...args: number[]) => gradients(programOf(f), f, args)[0];
    const two = (name: string) =>
      fn(
        [
          ["x", numberType],
          ["y", numberType],
        ],
        (b, x, y) => b.math(name, [x, y]),
      );
    const pow = fn(
      [
        ["x", numberType],
        ["p", numberType],
      ],
      (b, x, p) => b.prim("**", [x, p]),
    );
    expect(at(two("max"), 2, 2)).toEqual([0.5, 0.5]);
    expect(at(two("min"), 2, 2)).toEqual([0.5, 0.5]);
    expect(
      at(
        fn(
          [
            ["x", numberType],
            ["y", numberType],
            ["z", numberType],
          ],
          (b, x, y, z) => b.math("max", [x, y, z]),
        ),
        2,
        2,
        2,
      ),
    ).toEqual([1 / 3, 1 / 3, 1 / 3]);
    expect(
      at(
        fn([["x", numberType]], (b, x) => b.math("abs", [x])),
        0,
      ),
    ).toEqual([0]);
    expect(at(two("hypot"), 0, 0)).toEqual([0, 0]);
    expect(at(pow, 0, 2)).toEqual([0, 0]);
    expect(at(pow, 3, 0)).toEqual([0, Math.log(3)]);
    expect(
      at(
        fn([["x", numberType]], (b, x) => b.prim("+", [b.math("floor", [x]), x])),
        1.5,
      ),
    ).toEqual([1]);
  });
});

describe("control flow", () => {
  test("if merges and returns", () => {
    const f = fn(
      [
        ["x", numberType],
        ["y", numberType],
      ],
      (b, x, y) => {
        const [z] = b.if(
          b.prim(">", [x, y]),
          (c) => [c.prim("*", [c.math("sin", [x]), y])],
          (c) => [c.prim("/", [x, y])],
        );
        return b.prim("*", [z!, z!]);
      },
    );
    check(f, [2, 1]);
    check(f, [1, 2]);
  });

  test("a loop carries its value", () => {
    const f = fn(
      [
        ["x", numberType],
        ["a", numberType],
        ["n", intType],
      ],
      (b, x, a, n) => {
        const [y] = forUp(b, n, [x], (c, i, z) => [c.prim("+", [c.prim("*", [c.math("sin", [z]), a]), i])]);
        return b.prim("*", [y!, y!]);
      },
    );
    for (const n of [0, 1, 7]) check(f, [0.3, 1.5, n]);
  });

  test("nested loops, a swap of carried values, a condition inside", () => {
    const f = fn(
      [
        ["x", numberType],
        ["y", numberType],
        ["n", intType],
      ],
      (b, x, y, n) => {
        const [u, v] = forUp(b, n, [x, y], (c, i, p, q) => {
          const [r] = forUp(c, c.prim("+", [i, c.const(2)], intType), [p], (d, j, s) => {
            const [t] = d.if(
              d.prim("===", [j, d.const(1)]),
              (e) => [e.prim("*", [s, e.math("cos", [q])])],
              () => [s],
            );
            return [d.math("sin", [d.prim("+", [t!, d.const(0.5)])])];
          });
          return [q, c.prim("*", [r!, p])];
        });
        return b.prim("+", [u!, b.prim("*", [b.const(2), v!])]);
      },
    );
    for (const n of [0, 1, 2, 4]) check(f, [0.8, 1.1, n]);
  });

  test("while with break, do while, downwards, by steps, from fractions", () => {
    const whileBreak = fn([["x", numberType]], (b, x) => {
      const [y] = b.loop(
        { initial: [x, b.const(0)], hasBreak: true, test: (t, p) => t.prim("<", [p!, t.const(50)]) },
        (c, p, k) => {
          const next = c.prim("*", [p!, c.prim("+", [p!, c.const(1)])]);
          const count = c.prim("+", [k!, c.const(1)]);
          return [next, count, c.prim("<", [count, c.const(3)])];
        },
      );
      return y!;
    });
    check(whileBreak, [1.2]);
    check(whileBreak, [0.3]);
    const doWhile = fn(
      [["x", numberType]],
      (b, x) =>
        b.loop({ initial: [x], testAfter: true, test: (t, p) => t.prim("<", [p!, t.const(5)]) }, (c, p) => [
          c.prim("*", [p!, p!]),
        ])[0]!,
    );
    check(doWhile, [1.3]);
    check(doWhile, [7]);
    for (const [start, end, comparison, step] of [
      [7, 0, ">", -1],
      [7, 0, ">=", -1],
      [0, 9, "<", 2],
      [1, 9, "<=", 4],
      [9, 0, ">", -3],
      [0, 1, "<", 0.1],
      [0.5, 4, "<", 1],
    ] as const) {
      const f = fn(
        [["x", numberType]],
        (b, x) =>
          b.loop(
            { initial: [x], counted: { start: b.const(start), end: b.const(end), comparison, step } },
            (c, i, p) => [c.math("sin", [c.prim("+", [p!, c.prim("*", [p!, c.prim("*", [i!, c.const(0.05)])])])])],
          )[0]!,
      );
      check(f, [0.7]);
    }
  });

  test("a branch that throws", () => {
    const f = fn([["x", numberType]], (b, x) => {
      const [y] = b.if(
        b.prim("<", [x, b.const(0)]),
        (c) => {
          c.throw(c.const("negative"));
          return "diverges";
        },
        (c) => [c.math("sqrt", [x])],
      );
      return b.prim("*", [y!, y!]);
    });
    check(f, [2]);
  });
});

describe("memory", () => {
  test("sums an array and reads elements twice", () => {
    const f = fn(
      [["a", numbers]],
      (b, a) =>
        forUp(b, b.length(a), [b.const(0)], (c, i, s) => [
          c.prim("+", [s, c.prim("*", [c.load(a, i), c.load(a, c.const(0))])]),
        ])[0]!,
    );
    check(f, [[1, 2, 3]]);
  });

  test("writes into its argument in a loop that reads what it wrote", () => {
    const f = fn(
      [
        ["a", numbers],
        ["x", numberType],
      ],
      (b, a, x) => {
        b.loop({ initial: [], counted: { start: b.const(1), end: b.length(a), comparison: "<", step: 1 } }, (c, i) => {
          const before = c.load(a, c.prim("-", [i!, c.const(1)], intType));
          c.store(a, i!, c.prim("*", [c.math("sin", [before]), c.prim("+", [c.load(a, i!), x])]));
          return [];
        });
        return b.load(a, b.prim("-", [b.length(a), b.const(1)], intType));
      },
    );
    check(f, [[0.4, 1, 2, 3], 0.7]);
  });

  test("overwrites a slot whose old value was read", () => {
    const f = fn([["x", numberType]], (b, x) => {
      const a = b.array([x, b.const(3)]);
      const old = b.load(a, b.const(0));
      b.store(a, b.const(0), b.prim("*", [old, old]));
      b.store(a, b.const(1), b.prim("*", [b.load(a, b.const(0)), old]));
      b.store(a, b.const(0), b.const(0));
      return b.prim("+", [b.load(a, b.const(0)), b.load(a, b.const(1))]);
    });
    check(f, [1.7]);
  });

  test("pushes and pops", () => {
    const f = fn(
      [
        ["x", numberType],
        ["n", intType],
      ],
      (b, x, n) => {
        const a = b.array([], numbers);
        forUp(b, n, [x], (c, i, p) => {
          c.push(a, c.prim("*", [p, p]));
          return [c.math("sin", [c.prim("+", [p, i])])];
        });
        const last = b.pop(a);
        b.push(a, b.prim("*", [last, x]));
        b.push(a, last);
        return forUp(b, b.length(a), [b.const(1)], (c, i, s) => [
          c.prim("*", [s, c.prim("+", [c.load(a, i), c.const(1)])]),
        ])[0]!;
      },
    );
    check(f, [0.6, 1]);
    check(f, [0.6, 4]);
  });

  test("arrays of arrays, rebuilt and aliased", () => {
    const f = fn(
      [
        ["m", arrayOf(numbers)],
        ["x", numberType],
      ],
      (b, m, x) => {
        const row = b.load(m, b.const(1));
        b.store(row, b.const(0), b.prim("*", [b.load(row, b.const(0)), x]));
        b.store(m, b.const(0), row);
        const again = b.load(m, b.const(0));
        b.store(again, b.const(1), b.prim("*", [b.load(row, b.const(0)), b.load(row, b.const(1))]));
        return b.prim("+", [b.load(b.load(m, b.const(1)), b.const(1)), b.load(row, b.const(0))]);
      },
    );
    check(f, [
      [
        [1, 2],
        [3, 4],
      ],
      0.5,
    ]);
  });

  test("a state object rebuilt per iteration", () => {
    const f = fn(
      [
        ["h", numberType],
        ["c", numberType],
        ["n", intType],
      ],
      (b, h, c, n) => {
        const type = {
          kind: "struct",
          name: "State",
          fields: () =>
            new Map([
              ["h", numberType],
              ["c", numberType],
            ]),
        } as const;
        const [state] = forUp(
          b,
          n,
          [
            b.object(
              [
                { key: "h", value: h },
                { key: "c", value: c },
              ],
              type,
            ),
          ],
          (d, _i, s) => {
            const cell = d.prim("+", [d.prim("*", [d.load(s, "c"), d.const(0.9)]), d.math("tanh", [d.load(s, "h")])]);
            return [
              d.object([{ value: s }, { key: "h", value: d.math("sin", [cell]) }, { key: "c", value: cell }], type),
            ];
          },
        );
        return b.prim("*", [b.load(state!, "h"), b.load(state!, "c")]);
      },
    );
    for (const n of [0, 1, 5]) check(f, [0.3, 0.8, n]);
  });

  test("an array literal with spreads, and a filled array", () => {
    const f = fn(
      [
        ["a", numbers],
        ["x", numberType],
      ],
      (b, a, x) => {
        const all = b.array([x, a, b.prim("*", [x, x]), a], numbers, { spread: [false, true, false, true] });
        const filled = b.newArray(b.const(3), x);
        const s = forUp(b, b.length(all), [b.const(0)], (c, i, t) => [
          c.prim("+", [c.math("sin", [t]), c.prim("*", [c.load(all, i), i])]),
        ])[0]!;
        return b.prim("*", [s, b.prim("*", [b.load(filled, b.const(0)), b.load(filled, b.const(2))])]);
      },
    );
    check(f, [[0.5, 1.5], 0.3]);
  });
});

describe("calls", () => {
  const known = (f: HirFunction) => ({ kind: "known", key: f.key, text: f.name, file: "" }) as const;

  test("of a function over an array that it writes, twice, in a loop", () => {
    const scale = fn(
      [
        ["a", numbers],
        ["x", numberType],
      ],
      (b, a, x) => {
        const before = b.load(a, b.const(0));
        b.store(a, b.const(0), b.prim("*", [before, x]));
        return b.prim("*", [before, b.load(a, b.const(1))]);
      },
      "scale",
    );
    const f = fn(
      [
        ["a", numbers],
        ["x", numberType],
        ["n", intType],
      ],
      (b, a, x, n) => {
        const [s] = forUp(b, n, [x], (c, _i, t) => [
          c.prim("+", [t, c.call(known(scale), [a, c.math("sin", [t])], numberType, { effects: true })]),
        ]);
        return b.prim("*", [s!, b.load(a, b.const(0))]);
      },
    );
    check(f, [[1.1, 0.7], 0.4, 3], scale);
  });

  test("recursion", () => {
    const power: HirFunction = buildFunction(
      {
        name: "power",
        params: [
          ["x", numberType],
          ["n", intType],
        ],
        recursive: true,
      },
      (b, x, n) =>
        b.if(
          b.prim("<=", [n!, b.const(0)]),
          (c) => [c.const(1)],
          (c) => [
            c.prim("*", [
              c.math("sin", [x!]),
              c.call(
                { kind: "known", key: "#power", text: "power", file: "" },
                [x!, c.prim("-", [n!, c.const(1)], intType)],
                numberType,
              ),
            ]),
          ],
        )[0]!,
    );
    check(power, [0.9, 4]);
  });

  test("a result that shares memory with an argument", () => {
    const pick = fn([["m", arrayOf(numbers)]], (b, m) => b.load(m, b.const(1)), "pick");
    const f = fn([["m", arrayOf(numbers)]], (b, m) => {
      const row = b.call(known(pick), [m], numbers);
      b.store(row, b.const(0), b.prim("*", [b.load(row, b.const(0)), b.load(row, b.const(1))]));
      return b.prim("*", [b.load(b.load(m, b.const(1)), b.const(0)), b.load(b.load(m, b.const(0)), b.const(0))]);
    });
    check(
      f,
      [
        [
          [2, 3],
          [5, 7],
        ],
      ],
      pick,
    );
  });
});

test("a bit operation on an active number is an error where the result depends on it, not in an index", () => {
  const codes = (f: HirFunction) =>
    differentiate(programOf(f), { key: f.key, mask: "1".repeat(f.params.length) }).diagnostics.map((d) => d.code);
  expect(codes(fn([["x", numberType]], (b, x) => b.prim("*", [b.prim("|", [x, b.const(4)]), x])))).toEqual(["PB1007"]);
  const indexed = fn(
    [
      ["a", numbers],
      ["x", numberType],
    ],
    (b, a, x) => b.prim("*", [x, b.load(a, b.prim("|", [x, b.const(0)]))]),
  );
  expect(codes(indexed)).toEqual([]);
});
