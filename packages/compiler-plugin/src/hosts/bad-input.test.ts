/** What the compiler says of programs that are wrong, odd or enormous: a report with a code, and never a hang. */
import { afterAll, describe, expect, test } from "@jest/globals";
import { TemporaryProject } from "../../testdata/temporary-project.ts";

/** 10,000 operations in 5,000 statements. */
const statements = Array.from({ length: 5000 }, (_, i) => `  t = Math.sin(t) ${i % 2 === 0 ? "+ y" : "* x"};`);
const terms = Array.from({ length: 2000 }, (_, i) => `${"+*-"[i % 3]} ${i % 2 === 0 ? "x" : "y"}`);

const project = new TemporaryProject({
  "package.json": '{ "name": "project", "type": "module" }',
  "tsconfig.json": JSON.stringify({
    compilerOptions: {
      ...{ target: "ES2022", module: "NodeNext", strict: true, types: [], skipLibCheck: true },
      ...{ noEmit: true, allowImportingTsExtensions: true, customConditions: ["@pullback/source"] },
    },
    include: ["wrong"],
  }),
  "wrong/types.ts": `import { gradient } from "@pullback/autodiff";
const half = (x: number): number => x.lenght / 2;
console.log(gradient(half)(3));
export const elsewhere: string = 3;
`,
  "wrong/callee.ts": `import { gradient } from "@pullback/autodiff";
function scaled(x: number, by: number): number { return x * by; }
console.log(gradient((x: number) => scaled(x, "2"))(3));
`,
  "wrong/dynamic.ts": `import { gradient } from "@pullback/autodiff";
declare const anything: any;
declare const opaque: unknown;
console.log(gradient((x: number) => anything(x) * 2)(1), gradient(opaque as (x: number) => number)(1));
`,
  "wrong/syntax.ts": `import { gradient } from "@pullback/autodiff";
function looped(o: Record<string, number>): number { let s = 0; for (const k in o) s += o[k]!; return s; }
function given(...xs: number[]): number { return (arguments[0] as number) * xs[0]!; }
function* steps(x: number): Generator<number> { yield x * x; }
console.log(gradient(looped)({ a: 1 }), gradient(given)(1));
console.log(gradient((x: number): number => { let s = 0; for (const y of steps(x)) s += y; return s; })(2));
console.log(gradient(async (x: number) => x * x));
`,
  "circular/even.ts": `import { odd } from "./odd.ts";
export const base = 2;
export function even(x: number, n: number): number { return n === 0 ? x : odd(x * base, n - 1) * x; }
`,
  "circular/odd.ts": `import { base, even } from "./even.ts";
export function odd(x: number, n: number): number { return n === 0 ? x * x : even(x + base, n - 1) * x; }
`,
  "circular/main.ts": `import { gradient } from "@pullback/autodiff";
import { even } from "./even.ts";
const e = 1e-6;
const f = (x: number): number => even(x, 5);
console.log(JSON.stringify([gradient(f)(0.4), (f(0.4 + e) - f(0.4 - e)) / (2 * e)]));
// What the compiler sees through may have any type.
const square = (x: number): number => { const y: any = x; return y * y; };
const same = (x: number): number => { const y: unknown = x * x; return y as number; };
console.log(JSON.stringify([gradient(square)(3), gradient(same)(3)]));
`,
  "huge/statements.ts": `import { gradient } from "@pullback/autodiff";
function f(x: number, y: number): number {
  let t = x;
${statements.join("\n")}
  return t;
}
const e = 1e-6;
console.log(JSON.stringify([gradient(f)(0.9, 0.7), [(f(0.9 + e, 0.7) - f(0.9 - e, 0.7)) / (2 * e), (f(0.9, 0.7 + e) - f(0.9, 0.7 - e)) / (2 * e)]]));
`,
  "huge/terms.ts": `import { gradient } from "@pullback/autodiff";
function f(x: number, y: number): number {
  return x ${terms.join(" ")};
}
const e = 1e-6;
console.log(JSON.stringify([gradient(f)(0.9, 0.7), [(f(0.9 + e, 0.7) - f(0.9 - e, 0.7)) / (2 * e), (f(0.9, 0.7 + e) - f(0.9, 0.7 - e)) / (2 * e)]]));
`,
  "huge/deep.ts": `import { gradient } from "@pullback/autodiff";
const f = (x: number): number => ${"(".repeat(6000)}x${" * 1)".repeat(6000)};
console.log(gradient(f)(1));
`,
  "configuration/main.ts": "export {};\n",
  "configuration/tsconfig.json": '{ "extends": "./nowhere.json", "compilerOptions": { "strict": tru',
});
afterAll(() => project.remove());

interface Reported {
  readonly code: string;
  readonly place: { readonly file: string; readonly line: number };
  readonly message: string;
}

describe("a program with errors", () => {
  let reported: Reported[];
  const of = (file: string) =>
    reported.filter(({ place }) => place.file.endsWith(file)).map(({ code, place }) => `${code} in line ${place.line}`);

  test("is checked as a whole", () => {
    const { status, stdout } = project.pullback("check", "--json", ".");
    expect(status).toBe(1);
    reported = JSON.parse(stdout);
    for (const { code } of reported) expect(code).toMatch(/^PB\d{4}$/);
  });

  test("TypeScript's errors inside what is differentiated are reported; others are TypeScript's to report", () => {
    expect(of("types.ts")).toEqual(["PB2020 in line 2"]);
    expect(of("callee.ts")).toEqual(["PB2020 in line 3"]);
  });

  test("any and unknown in active positions", () => {
    const lines = of("dynamic.ts").map((text) => Number(text.split(" ").at(-1)));
    expect([...new Set(lines)]).toEqual([4]);
  });

  test("syntax that is not supported", () => {
    const lines = of("syntax.ts").map((text) => Number(text.split(" ").at(-1)));
    expect([...new Set(lines)].sort()).toEqual([2, 3, 4, 6, 7]);
  });
});

test("files that import each other, and any where it does no harm", () => {
  const { stdout, stderr } = project.hooked("circular/main.ts");
  expect(stderr).toBe("");
  const [found, expected] = JSON.parse(stdout.split("\n")[0] as string);
  expect(stdout.split("\n")[1]).toBe("[6,6]");
  expect(Math.abs(found - expected)).toBeLessThan(1e-6 * Math.abs(expected));
});

test.each(["statements", "terms"])("a function of thousands of operations: %s", (name) => {
  const { stdout, stderr } = project.hooked(`huge/${name}.ts`);
  expect(stderr).toBe("");
  const [found, expected] = JSON.parse(stdout) as [number[], number[]];
  found.forEach((d, i) => {
    expect(Math.abs(d - (expected[i] as number))).toBeLessThan(1e-6 * Math.max(1, Math.abs(d)));
  });
});

test("an expression too deep for a stack is a report", () => {
  const { status, stderr } = project.hooked("huge/deep.ts");
  expect(status).toBe(1);
  expect(stderr).toContain("PB1012");
  expect(stderr).toContain("deep.ts");
});

test("a configuration that cannot be read, none, and no folder", () => {
  const broken = project.pullback("check", "configuration");
  expect(broken.status).toBe(1);
  expect(broken.stdout).toContain("PB9003");
  expect(broken.stdout).toContain("configuration/tsconfig.json");
  // Without one, the folder's files and the usual options are the project.
  expect(project.pullback("check", "circular")).toMatchObject({
    ...{ status: 0, stderr: "", stdout: expect.stringMatching(/^0 errors, 0 warnings in \d+ files\n$/) },
  });
  const nowhere = project.pullback("check", "nowhere");
  expect(nowhere.status).toBe(1);
  expect(nowhere.stderr).toContain("PB9003");
});
