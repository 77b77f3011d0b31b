/** Planning over a made-up program, whose calls are written down as a table: the fixpoint alone is under test. */
import { describe, expect, test } from "@jest/globals";
import type { Demand, DerivedFunction, ForwardFunction, Mode } from "../ad/index.ts";
import type { Diagnostic } from "../check/index.ts";
import type { CompilerProgram, DifferentiableDeclaration, OperatorSite } from "../frontend/index.ts";
import type { HirFunction } from "../hir/types.ts";
import { planProgram } from "./plan.ts";

interface MadeUp {
  readonly sites?: readonly [operator: OperatorSite["operator"], key: string, mask: string, literal?: boolean][];
  readonly tagged?: readonly string[];
  /** `key|mask` of a derived function -> what its derivative calls. */
  readonly calls?: Readonly<Record<string, readonly Demand[]>>;
  readonly diagnostics?: Readonly<Record<string, Diagnostic[]>>;
  readonly throws?: string;
  /** Functions whose result is a leaf; all others return a number. */
  readonly leaves?: readonly string[];
}

const keys = ["/p/a.ts#f", "/p/a.ts#arrow", "/p/b.ts#g", "/p/b.ts#h"];
const fileOf = (key: string) => key.slice(0, key.indexOf("#"));
const nameOf = (key: string) => key.slice(key.indexOf("#") + 1);

function planOf(made: MadeUp) {
  const declaration = (key: string) => ({
    ...({
      key,
      name: nameOf(key),
      file: fileOf(key),
      kind: "function",
      reference: nameOf(key),
      attachAfter: 0,
    } as const),
    ...({ exported: true, nested: false, fullMask: "11", kinds: "vv", tagged: false } as const),
  });
  const differentiated: string[] = [];
  const program = {
    files: ["/p/a.ts", "/p/b.ts"],
    diagnostics: () => [],
    semanticErrors: () => [],
    stopping: () => undefined,
    structs: () => [],
    registrations: () => [],
    expansions: () => [],
    sites: (file: string) =>
      (made.sites ?? [])
        .filter(([, key]) => fileOf(key) === file)
        .map(([operator, key, mask, literal], i) => ({
          ...{ operator, file, span: { file, start: 10 * i, end: 10 * i + 1 }, mask, scalarResult: true },
          target: { kind: literal === true ? "literal" : "function", key },
        })),
    tagged: (file: string) => (made.tagged ?? []).filter((key) => fileOf(key) === file).map(declaration),
    declarations: (file: string): DifferentiableDeclaration[] =>
      keys.filter((key) => fileOf(key) === file && key !== "/p/a.ts#arrow").map(declaration),
    lower: (key: string) =>
      ({
        name: nameOf(key),
        span: { file: fileOf(key), start: 0, end: 5 },
        params: [{ type: { kind: "number" } }, { type: { kind: "number" } }],
        result: { kind: made.leaves?.includes(key) === true ? "leaf" : "number" },
      }) as unknown as HirFunction,
  } as unknown as CompilerProgram;
  const called = (id: string, mode: Mode) => (made.calls?.[id] ?? []).map((demand) => ({ ...demand, mode }));
  const plan = planProgram(program, {
    differentiateForward(_program, { key, mask }) {
      const id = `${nameOf(key)}|${mask}`;
      differentiated.push(`${id}|jvp`);
      return {
        ...{ key, mask, kinds: "vv", mutates: "", demands: called(id, "forward") },
        ...{ independent: () => [], diagnostics: made.diagnostics?.[`${id}|jvp`] ?? [] },
      } as unknown as ForwardFunction;
    },
    differentiate(_program, { key, mask }) {
      if (made.throws === key) throw new Error("out of cheese");
      const id = `${nameOf(key)}|${mask}`;
      differentiated.push(id);
      return {
        ...{ key, mask, kinds: "vv", mutates: "", demands: called(id, "reverse") },
        ...{ independent: () => [], diagnostics: made.diagnostics?.[id] ?? [] },
      } as unknown as DerivedFunction;
    },
  });
  const forms = Object.fromEntries(
    [...plan.files.values()].flatMap(({ declarations, literals }) =>
      [...declarations, ...literals].flatMap(({ variants }) =>
        variants.map(({ key, mask, joint, split, mode }) => [
          `${nameOf(key)}|${mask}${mode === "forward" ? "|jvp" : ""}`,
          `${joint ? "j" : ""}${split ? "s" : ""}`,
        ]),
      ),
    ),
  );
  return { plan, differentiated, forms };
}

const broken = (key: string): Diagnostic => ({
  ...{ code: "PB1007", severity: "error", message: "no", span: { file: fileOf(key), start: 1, end: 2 }, notes: [] },
});

describe("planning", () => {
  test("follows calls across files, once per function and mask", () => {
    const { differentiated, forms } = planOf({
      sites: [["gradient", "/p/a.ts#f", "11"]],
      calls: {
        "f|11": [{ key: "/p/b.ts#g", mask: "10" }],
        "g|10": [
          { key: "/p/b.ts#h", mask: "01" },
          { key: "/p/a.ts#f", mask: "11" },
        ],
        "h|01": [{ key: "/p/b.ts#g", mask: "10" }],
      },
    });
    expect(differentiated).toEqual(["f|11", "g|10", "h|01"]);
    expect(forms).toEqual({ "f|11": "js", "g|10": "s", "h|01": "s" });
  });

  test("forms by operator: literals under gradient need no split form, pullbacks no joint one", () => {
    expect(planOf({ sites: [["gradient", "/p/a.ts#arrow", "10", true]] }).forms).toEqual({ "arrow|10": "j" });
    expect(planOf({ sites: [["pullback", "/p/a.ts#arrow", "10", true]] }).forms).toEqual({ "arrow|10": "s" });
    expect(planOf({ sites: [["implicit", "/p/a.ts#arrow", "10", true]] }).forms).toEqual({ "arrow|10": "js" });
    expect(planOf({ sites: [["gradient", "/p/a.ts#arrow", "10", true]], leaves: ["/p/a.ts#arrow"] }).forms).toEqual({
      "arrow|10": "s",
    });
    expect(planOf({ tagged: ["/p/b.ts#g"] }).forms).toEqual({ "g|11": "js" });
  });

  test("a mask without an active parameter asks for nothing", () => {
    expect(planOf({ sites: [["gradient", "/p/a.ts#f", "00"]] }).differentiated).toEqual([]);
  });

  test("errors stay with their file, with the chain that led there, and nothing is emitted for them", () => {
    const { plan, forms } = planOf({
      sites: [["gradient", "/p/a.ts#f", "11"]],
      calls: { "f|11": [{ key: "/p/b.ts#g", mask: "10" }] },
      diagnostics: { "g|10": [broken("/p/b.ts#g")] },
    });
    expect(forms).toEqual({ "f|11": "js" });
    const [error] = plan.files.get("/p/b.ts")?.diagnostics ?? [];
    expect(error.notes.map(({ message }) => message)).toEqual([
      "when differentiating g, called from f",
      "when differentiating f, as gradient(…) asks here",
    ]);
    expect(plan.files.get("/p/a.ts")?.diagnostics).toEqual([]);
    expect(plan.variant("/p/b.ts#g", "10", "reverse")).toBeUndefined();
  });

  test("forward operators ask for forward mode, of the callees too", () => {
    const { forms } = planOf({
      sites: [["derivative", "/p/a.ts#f", "11"]],
      calls: { "f|11": [{ key: "/p/b.ts#g", mask: "10" }] },
    });
    expect(Object.keys(forms).sort()).toEqual(["f|11|jvp", "g|10|jvp"]);
  });

  test("function values get forward mode where the program uses it and where they have one", () => {
    const sites: ["differentiable", string, string][] = [["differentiable", "/p/a.ts#f", "11"]];
    expect(Object.keys(planOf({ sites }).forms)).toEqual(["f|11"]);
    const used = planOf({ sites: [...sites, ["derivative", "/p/b.ts#g", "11"]] });
    expect(Object.keys(used.forms).sort()).toEqual(["f|11", "f|11|jvp", "g|11|jvp"]);
    const refused = planOf({
      sites: [...sites, ["derivative", "/p/b.ts#g", "11"]],
      diagnostics: { "f|11|jvp": [broken("/p/a.ts#f")] },
    });
    expect(Object.keys(refused.forms).sort()).toEqual(["f|11", "g|11|jvp"]);
    expect(refused.plan.diagnostics).toEqual([]);
  });

  test("a stage that throws becomes PB9004 in the file it met", () => {
    const { plan } = planOf({ sites: [["gradient", "/p/a.ts#f", "11"]], throws: "/p/a.ts#f" });
    expect(plan.diagnostics.map(({ code, span }) => [code, span.file])).toEqual([["PB9004", "/p/a.ts"]]);
  });
});
