/** Erasing against TypeScript's own emit, over every source of this package and over the awkward cases. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "@jest/globals";
import { originalPositionFor, TraceMap } from "@jridgewell/trace-mapping";
import ts from "typescript";
import { eraseTypes } from "./erase.ts";
import { stripTypes } from "./strip.ts";

const options = { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext, removeComments: true };

function print(text: string, file: string): string {
  return ts.transpileModule(text, { fileName: file, compilerOptions: { ...options, verbatimModuleSyntax: true } })
    .outputText;
}

/** What is left when layout, redundant parentheses and trailing commas are no difference. */
function essence(javascript: string): string {
  return javascript.replace(/"use strict";|export {};/g, "").replace(/[\s();,]+/g, "");
}

function* sources(folder: string): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      if (entry.name !== "node_modules" && entry.name !== "dist") yield* sources(path);
    } else if (entry.name.endsWith(".ts")) yield path;
  }
}

test("every source of this package comes out as TypeScript prints it", () => {
  let erased = 0;
  let total = 0;
  for (const file of sources(fileURLToPath(new URL("../../", import.meta.url)))) {
    const text = readFileSync(file, "utf8");
    const source = ts.createSourceFile(file, text, ts.ScriptTarget.ES2022, true);
    total++;
    if (eraseTypes(ts, source) === undefined) continue;
    erased++;
    const { code } = stripTypes(text, file);
    if (essence(print(code, file.replace(/ts$/, "js"))) !== essence(print(text, file)))
      throw new Error(`${file} differs`);
    expect(code.split("\n")).toHaveLength(text.split("\n").length);
  }
  // The rest falls back to TypeScript's emit; were that many, erasing would not be worth its code.
  expect(erased / total).toBeGreaterThan(0.95);
});

describe("awkward cases", () => {
  test.each([
    [
      "type arguments, assertions, non-null",
      "const m = new Map<string, Array<number>>(); f<T>(m!.get('a')! as any satisfies unknown);",
    ],
    [
      "optional and definite",
      "class A { a?: number; b!: string; readonly c?: number = 1; static readonly d: number = 2 }",
    ],
    [
      "overloads, abstract members, index signatures",
      "abstract class A<T> extends B<T> implements C, D { [k: string]: any; abstract f(): void; g(): void; g(x?: any) {} }",
    ],
    ["a this parameter", "function f(this: Window, a: number, b?: string): a is 3 { return a }"],
    [
      "type-only imports and exports",
      "import type { A } from 'a'; import b, { type C, d, type E } from 'b'; export type { A }; export { d, type C }; b;",
    ],
    ["a statement that a type kept apart", "const a = b\ninterface X {}\n(c)"],
    ["a member that a modifier kept apart", "class A { a = 1\n private ['b'] = 2\n public *c() {} }"],
    ["parameter properties", "class A { z = 1; constructor(readonly x: number = 1, private y?: string) { use(y) } }"],
    [
      "parameter properties after super",
      "class A extends B<C> { constructor(override readonly x: number) { super(); this.go() } }",
    ],
    ["declarations", "declare const a: number; declare function f(): void; declare module 'x' { const y: 1 } f(a);"],
    ["arrows", "const f = async <T,>(x: T, ...y: T[]): Promise<T> => x; const g = (a: number): a is 1 => true;"],
    ["catch, loops, templates", "try {} catch (e: unknown) {} for (const x of y as any[]) `${x as string}`;"],
    ["left to TypeScript: enums", "enum A { B, C = 2 } console.log(A.B as number);"],
    ["left to TypeScript: an arrow's type over two lines", "const f = (): {\n a: number } => ({ a: 1 });"],
    [
      "left to TypeScript: an assertion before a bracket",
      "const a = b as any\n;[1].map(c as any)\nconst d = e as any\n(f)",
    ],
  ])("%s", (_, text) => {
    expect(essence(print(stripTypes(text, "/a.ts").code, "/a.js"))).toBe(essence(print(text, "/a.ts")));
  });

  test("parameter properties run: fields before assignments, in order", async () => {
    const text = "export class A { z = 3; constructor(public x: number, private y = x + 1) { this.z += this.y } }";
    const { A } = await import(`data:text/javascript,${encodeURIComponent(stripTypes(text, "/a.ts").code)}`);
    expect(JSON.stringify(new A(1))).toBe('{"x":1,"y":2,"z":5}');
  });

  test("the map counts columns behind what was added", () => {
    const text = "class A { constructor(public x: number) { mark() } }\nlet after: number;";
    const { code, map } = stripTypes(text, "/a.ts");
    const at = (line: number, column: number) => originalPositionFor(new TraceMap(map), { line, column });
    expect(at(1, code.indexOf("mark"))).toMatchObject({ source: "/a.ts", line: 1, column: text.indexOf("mark") });
    expect(at(2, 4)).toMatchObject({ line: 2, column: 4 });
  });

  test("what does not parse is named", () => {
    expect(() => stripTypes("let a: = 3;", "/a.ts")).toThrow("/a.ts:1:8");
  });
});
