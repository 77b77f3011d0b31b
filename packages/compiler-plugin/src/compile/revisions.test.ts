/** A program that is edited again and again is compiled to what a compiler that never saw it before makes of it. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { compiler } from "../hosts/compiler.ts";
import { DiskCache } from "./cache.ts";
import { Session } from "./session.ts";

let folder: string;
const files: Record<string, string> = {
  "shapes.ts": `
export interface Shape { /** @differentiable */ area(scale: number): number }
export class Square implements Shape {
  constructor(public side: number) {}
  area(scale: number): number { return this.side * this.side * scale; }
}
export const half = (x: number) => x / 2;
export function bump(xs: number[], by: number): void { xs[0] += by; }
`,
  "model.ts": `
import { bump, half, type Shape } from "./shapes.ts";
export function total(shapes: Shape[], scale: number): number {
  let sum = 0;
  for (const shape of shapes) sum += shape.area(half(scale));
  return sum;
}
export function shifted(xs: number[], by: number): number {
  const own = [...xs];
  bump(own, by);
  return own[0] * own[1];
}
`,
  "main.ts": `
import { gradient, derivative } from "@pullback/autodiff";
import { Square } from "./shapes.ts";
import { shifted, total } from "./model.ts";
export const first = gradient((scale: number) => total([new Square(3)], scale))(2);
export const second = gradient(shifted)([1, 2], 3);
export const third = gradient(gradient((x: number) => x ** 4))(1);
console.log(derivative((x: number) => shifted([x, x], x))(1));
`,
};

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "pullback-revisions-")).replaceAll("\\", "/");
  symlinkSync(join(import.meta.dirname, "../../../../node_modules"), join(folder, "node_modules"), "dir");
  mkdirSync(join(folder, "src"));
  writeFileSync(join(folder, "package.json"), '{ "name": "edited", "type": "module" }');
  const compilerOptions = {
    target: "ES2022",
    module: "NodeNext",
    strict: true,
    types: [],
    allowImportingTsExtensions: true,
    noEmit: true,
  };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, include: ["src"] }));
  for (const [name, text] of Object.entries(files)) write(name, text);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const path = (name: string) => `${folder}/src/${name}`;
function write(name: string, text: string): void {
  files[name] = text;
  writeFileSync(path(name), text);
}

function sessionOf(): Session {
  return new Session(
    { projectFolder: folder, rootFiles: Object.keys(files).map(path), cache: new DiskCache(undefined), warn: () => {} },
    compiler,
  );
}

function everything(session: Session): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of Object.keys(files)) {
    try {
      found[name] = session.unit(path(name)).code;
    } catch (error) {
      found[name] = String(error);
    }
  }
  found.diagnostics = session
    .diagnostics()
    .map(({ code, message, span }) => `${code} ${message} ${span.start}`)
    .join("\n");
  return found;
}

describe("after each edit", () => {
  let session: Session;
  beforeAll(() => {
    session = sessionOf();
    everything(session);
  });

  test.each<[string, string, string, string]>([
    ["a body", "shapes.ts", "this.side * this.side * scale", "this.side ** 2 * scale"],
    ["a body that other bodies contain", "shapes.ts", "=> x / 2", "=> x / 4"],
    ["the type that a body gives", "shapes.ts", "(x: number) => x / 4", "(x: number) => (x > 0 ? x / 4 : 0)"],
    ["what a function writes", "shapes.ts", "xs[0] += by;", "xs[0] += by; xs[1] *= by;"],
    ["what it no longer writes", "shapes.ts", "xs[0] += by; xs[1] *= by;", "void by;"],
    ["a refusal", "model.ts", "bump(own, by);", "bump(own, by & 1);"],
    ["and away with it", "model.ts", "bump(own, by & 1);", "bump(own, by);"],
    ["a type error", "model.ts", "return sum;", 'return "sum";'],
    ["and away with it too", "model.ts", 'return "sum";', "return sum;"],
    ["another operator", "main.ts", "console.log(derivative(", "console.log(gradient("],
    [
      "another class that implements the interface",
      "main.ts",
      "export const first",
      "class Circle { constructor(public r: number) {} area(scale: number): number { return 3 * this.r * scale } }\nexport const first",
    ],
    ["in its heritage", "main.ts", "class Circle {", 'class Circle implements import("./shapes.ts").Shape {'],
    [
      "a constructor",
      "shapes.ts",
      "constructor(public side: number) {}",
      "constructor(public side: number) { this.side = side * 2; }",
    ],
    ["another field", "shapes.ts", "constructor(public side", "constructor(public other: number, public side"],
    ["lines before everything", "shapes.ts", "export interface", "// moved\n\nexport interface"],
    [
      "an interface that has one implementation more",
      "model.ts",
      "export function shifted",
      'import { Square } from "./shapes.ts";\nclass Bigger extends Square { override area(scale: number): number { return super.area(scale) + this.side; } }\nexport const bigger = new Bigger(1, 2);\nexport function shifted',
    ],
    ["its method", "model.ts", "super.area(scale) + this.side", "super.area(scale) * this.side"],
  ])("%s", (_, name, before, after) => {
    expect(files[name]).toContain(before);
    write(name, files[name].replace(before, after));
    session.refresh();
    expect(everything(session)).toEqual(everything(sessionOf()));
  });
});
