/** One file compiled over a made-up plan: where the text goes, and that the result is JavaScript that runs. */
import { expect, test } from "@jest/globals";
import { originalPositionFor, TraceMap } from "@jridgewell/trace-mapping";
import type { DerivedFunction } from "../ad/index.ts";
import { stripTypes } from "../frontend/host/index.ts";
import type { CompilerProgram, DifferentiableDeclaration } from "../frontend/index.ts";
import type { HirFunction, Type } from "../hir/types.ts";
import { compileFile } from "./file.ts";
import type { FilePlan, Plan, PlannedVariant } from "./plan.ts";

const file = "/p/a.ts";
const number: Type = { kind: "number" };

interface MadeUp {
  readonly source: string;
  readonly declarations?: readonly (Partial<DifferentiableDeclaration> & { key: string; masks: readonly string[] })[];
  readonly literals?: readonly { text: string; key: string }[];
  readonly structs?: readonly { className: string; after: string }[];
}

function compiled({ source, declarations = [], literals = [], structs = [] }: MadeUp) {
  const after = (text: string) => source.indexOf(text) + text.length;
  const variantOf = (key: string, mask: string): PlannedVariant => {
    const derived = { key, mask, name: key, kinds: "vv", mutates: "", demands: [] } as unknown as DerivedFunction;
    return { key, mask, derived, joint: true, split: true } as unknown as PlannedVariant;
  };
  const filePlan = {
    ...{ file, hasSites: literals.length > 0, diagnostics: [] },
    declarations: declarations.map(({ masks, ...declaration }) => ({
      declaration: { file, kind: "function", fullMask: "11", nested: false, ...declaration },
      variants: masks.map((mask) => variantOf(declaration.key, mask)),
    })),
    literals: literals.map(({ text, key }) => ({
      key,
      span: { file, start: source.indexOf(text), end: after(text) },
      variants: [variantOf(key, "11")],
    })),
  } as FilePlan;
  const plan: Plan = {
    ...{ files: new Map([[file, filePlan]]), diagnostics: [] },
    applications: () => [],
    dual: () => undefined,
    complete: () => true,
    variantsOf: () => [],
    variant: (key, mask) =>
      filePlan.declarations.flatMap(({ variants }) => variants).find((each) => each.key === key && each.mask === mask),
  };
  const program = {
    text: () => source,
    registrations: () => [],
    expansions: () => [],
    structs: () =>
      structs.map(({ className, after: text }) => ({
        ...{ className, attachAfter: after(text) },
        type: { fields: () => new Map([["k", number]]) },
      })),
    lower: (key: string) => ({ name: key, params: [{ type: number }], result: number }) as unknown as HirFunction,
  } as unknown as CompilerProgram;
  return compileFile(program, plan, file, {
    differentiate: () => {
      throw new Error("planned already");
    },
    differentiateForward: () => {
      throw new Error("planned already");
    },
    emitDerivative: (derived, { inline, names }) => ({
      names,
      text: inline
        ? `forward: (x: number) => x,\nbackward: () => 0,\njoint: (x: number) => ({ value: x, cotangents: 1 })`
        : `function ${names.forward}(x: number) {\n  return x; // ${derived.key}\n}`,
      mappings: [{ generatedOffset: 0, span: { file, start: source.indexOf("marked"), end: 0 } }],
    }),
    stripTypes: (text, path) => stripTypes(text, path),
  });
}

test("declarations: carrier after the statement, derivatives at the end, names by mask", () => {
  const source = "#!/usr/bin/env node\nexport const f = (x: number) => x;\nf(1); // marked\n";
  const declaration = { key: "f", reference: "f", masks: ["11", "10"], attachAfter: source.indexOf(";\n") + 1 };
  const { typescript, code, map } = compiled({ source, declarations: [declaration] });
  expect(typescript.split("\n")).toEqual([
    "#!/usr/bin/env node",
    'import * as $pb from "@pullback/autodiff/runtime"; $pb.compiled(); ',
    "export const f = (x: number) => x;",
    '$pb.attach(f, { abi: 1, name: "f", kinds: "vv", variants: { "11": { forward: f$forward, backward: f$backward, joint: f$gradient }, "10": { forward: f$forward$10, backward: f$backward$10, joint: f$gradient$10 } } });',
    "",
    "f(1); // marked",
    "",
    "function f$forward(x: number) {",
    "  return x; // f",
    "}",
    "",
    "function f$forward$10(x: number) {",
    "  return x; // f",
    "}",
    "",
  ]);
  const line = code.split("\n").findIndex((text) => text.startsWith("function f$forward$10"));
  expect(originalPositionFor(new TraceMap(map), { line: line + 1, column: 0 })).toMatchObject({
    source: file,
    line: 3,
  });
});

test("nested declarations keep their derivatives in their block; names that the file uses are avoided", () => {
  const source = "function outer(a: number) {\n  const f = (x: number) => x * a;\n  return f$forward + f(a);\n}\n";
  const attachAfter = source.indexOf("* a;") + 4;
  const { typescript } = compiled({
    source,
    declarations: [{ key: "f", reference: "f", masks: ["11"], attachAfter, nested: true }],
  });
  const end = typescript.indexOf("return f$forward");
  expect(typescript.slice(0, end)).toContain("function f_2$forward(x: number)");
  expect(typescript.slice(0, end)).toContain("$pb.attach(f, ");
  expect(typescript.slice(end)).not.toContain("$pb");
});

test("literals are wrapped where they stand", async () => {
  const source = "export const carried: any = [(x: number) => x + 1][0];";
  const { code } = compiled({ source, literals: [{ text: "(x: number) => x + 1", key: "arrow" }] });
  const stub = "const $pb = { compiled() {}, carry: (f, d) => Object.assign(f, { d }) };";
  const runnable = code.replace(/import \* as \$pb[^;]*;/, stub);
  const { carried } = await import(`data:text/javascript,${encodeURIComponent(runnable)}`);
  expect(carried(2)).toBe(3);
  expect(carried.d).toMatchObject({ abi: 1, name: "arrow", kinds: "vv" });
  expect(carried.d.variants["11"].joint(5)).toEqual({ value: 5, cotangents: 1 });
});

test("classes with differentiable fields carry a descriptor", () => {
  const source = "export class C {\n  k: number = 3;\n}\n";
  const { code } = compiled({ source, structs: [{ className: "C", after: "3;\n}" }] });
  expect(code).toContain('$pb.struct(C, { k: "v" });');
});

test("a file with nothing to emit only loses its types", () => {
  expect(compiled({ source: "export const x: number = 1;\n" }).code).toBe("export const x         = 1;\n");
});
