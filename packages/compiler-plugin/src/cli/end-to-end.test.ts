/** The commands and the jest transformer on a small project, in child processes: a class, two files, one mistake. */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "@jest/globals";
import { TemporaryProject } from "../../testdata/temporary-project.ts";
import type { ReportedDiagnostic } from "./check.ts";

const spring = `
export class Spring {
  constructor(
    public k: number,
    public readonly name: string,
  ) {}

  force(x: number): number {
    return -this.k * x;
  }
}

export function energy(s: Spring, x: number): number {
  return s.force(x) ** 2;
}
`;

const project = new TemporaryProject({
  "tsconfig.json": JSON.stringify({
    compilerOptions: {
      ...{ target: "ES2022", module: "NodeNext", strict: true, types: [], skipLibCheck: true },
      ...{ allowImportingTsExtensions: true, noEmit: true, customConditions: ["@pullback/source"] },
    },
    include: ["src"],
  }),
  "src/spring.ts": spring,
  "src/main.ts": `
import { gradient, valueWithPullback } from "@pullback/autodiff";
import { Spring, energy } from "./spring.ts";

const scale = 2;
console.log(JSON.stringify([
  gradient((s: Spring, x: number) => energy(s, x))(new Spring(3, "a"), 2),
  gradient(energy)(new Spring(3, "a"), 2),
  gradient(square)(5),
  valueWithPullback((x: number) => scale * square(x))(3).pullback(1),
]));

function square(x: number): number {
  return x * x;
}

export function inner(a: number): number {
  const times = (x: number) => a * x;
  return gradient(times)(7);
}
console.log(inner(11));
`,
  "bad/bad.ts": `
import { gradient } from "@pullback/autodiff";

export function flag(x: number): number {
  return (x | 4) * x;
}
console.log(gradient((x: number) => flag(x))(3));
`,
  "jest.config.mjs": `
export default {
  testMatch: ["**/*.test.ts"],
  extensionsToTreatAsEsm: [".ts"],
  transform: { "\\\\.ts$": "@pullback/compiler-plugin/jest" },
  testEnvironmentOptions: { customExportConditions: ["node", "@pullback/source"] },
};
`,
  "tests/rate.ts": "export const rate = (x: number): number => 3 * x;\n",
  "tests/loss.ts": `
import { rate } from "./rate.ts";
export function loss(x: number): number {
  return rate(x) ** 2;
}
`,
  "tests/loss.test.ts": `
import { expect, test } from "@jest/globals";
import { gradient } from "@pullback/autodiff";
import { loss } from "./loss.ts";
test("gradient", () => {
  console.log("gradient is " + gradient(loss)(1));
});
`,
});
afterAll(() => project.remove());

const expected = '[[{"k":24},36],[{"k":24},36],10,12]\n11\n';

describe("pullback run", () => {
  test("gradients of functions, methods and literals, across files", () => {
    expect(project.pullback("run", "src/main.ts")).toEqual({ status: 0, stdout: expected, stderr: "" });
  });

  test("the second start finds everything in the cache", () => {
    const folder = join(project.folder, "node_modules", ".cache", "pullback");
    const written = () => readdirSync(folder).map((name) => [name, statSync(join(folder, name)).mtimeMs]);
    const before = written();
    expect(before.length).toBeGreaterThan(2);
    expect(project.hooked("src/main.ts")).toMatchObject({ status: 0, stdout: expected });
    expect(written()).toEqual(before);
  });

  test("a change in one file reaches the derivatives in the other", () => {
    project.write({ "src/spring.ts": spring.replace("-this.k * x", "-this.k * x * x") });
    expect(project.pullback("run", "src/main.ts").stdout).toContain('[[{"k":96},288],[{"k":96},288],10,12]');
    project.write({ "src/spring.ts": spring });
    expect(project.pullback("run", "src/main.ts").stdout).toBe(expected);
  });

  test("an error is shown in its code frame, with the way there, and ends with status 1", () => {
    const { status, stdout, stderr } = project.pullback("run", "bad/bad.ts");
    expect(status).toBe(1);
    expect(stdout).toBe("");
    expect(stderr).toContain("PB1007");
    expect(stderr).toMatch(/bad\.ts:5:\d+/);
    expect(stderr).toContain("return (x | 4) * x;");
    expect(stderr).toMatch(/when differentiating flag/);
    expect(stderr).not.toContain("node:internal");
  });
});

describe("pullback check", () => {
  test("--json", () => {
    const { status, stdout } = project.pullback("check", "bad", "--json");
    expect(status).toBe(1);
    const diagnostics = JSON.parse(stdout) as ReportedDiagnostic[];
    expect(diagnostics).toHaveLength(1);
    expect(diagnostics[0]).toMatchObject({
      ...{ code: "PB1007", severity: "error", place: { file: `${project.folder}/bad/bad.ts`, line: 5 } },
    });
  });

  test("nothing to report", () => {
    const { status, stdout } = project.pullback("check", "src/main.ts");
    expect(stdout).toMatch(/^0 errors, 0 warnings in \d+ files?\n$/);
    expect(status).toBe(0);
  });
});

describe("pullback explain", () => {
  test("the function, then its derivative", () => {
    const { status, stdout } = project.pullback("explain", "src/spring.ts:energy");
    expect(status).toBe(0);
    const [source, derivative] = stdout.split("// its derivative with respect to s, x");
    expect(source).toMatch(/^\/\/ energy, src\/spring\.ts:13\n/);
    expect(source).toContain("export function energy(s: Spring, x: number): number {");
    expect(derivative).toContain("energy$gradient");
  });

  test("methods by class, literals by line", () => {
    expect(project.pullback("explain", "src/spring.ts:Spring.force", "--split").stdout).toContain("forward");
    expect(project.pullback("explain", "src/main.ts:10").stdout).toContain("scale * square(x)");
  });

  test("arrows in variables, with the variable", () => {
    expect(project.pullback("explain", "src/main.ts:times").stdout).toContain("const times = (x: number) => a * x");
  });

  test.each(["src/spring.ts:nothing", "src/spring.ts"])("%s is answered with the functions there are", (target) => {
    const { status, stderr } = project.pullback("explain", target);
    expect(status).toBe(1);
    expect(stderr).toContain("PB9005");
    expect(stderr).toContain("src/spring.ts:energy");
    expect(stderr).toContain("src/spring.ts:Spring.force");
  });

  test("a mask that does not fit", () => {
    const { status, stderr } = project.pullback("explain", "src/spring.ts:energy", "--mask", "1");
    expect(status).toBe(1);
    expect(stderr).toContain("PB2005");
    expect(stderr).toContain("s (differentiable), x (differentiable)");
  });
});

test("pullback build: JavaScript that runs by itself, maps, declarations, manifest", () => {
  expect(project.pullback("build", ".")).toMatchObject({ status: 0 });
  const dist = join(project.folder, "dist");
  expect(project.node("dist/main.js")).toEqual({ status: 0, stdout: expected, stderr: "" });
  expect(readFileSync(join(dist, "spring.d.ts"), "utf8")).toContain("force(x: number): number");
  expect(JSON.parse(readFileSync(join(dist, "main.js.map"), "utf8")).sources).toContain("../src/main.ts");
  const { abi, derivatives } = JSON.parse(readFileSync(join(dist, "pullback.json"), "utf8"));
  expect(abi).toBe(1);
  // Reached by an operator and not tagged: only what the program itself asks for.
  expect(derivatives).toContainEqual({
    ...{ module: "spring.js", name: "energy", kinds: "rv", masks: ["11"], modes: ["reverse"] },
    conduct: { mutates: "00", returned: "00", linked: [], effects: "none" },
  });
  expect(existsSync(join(dist, "spring.test.js"))).toBe(false);
});

test("jest: a change in a callee's file is seen though the caller's is the same", () => {
  const jest = createRequire(import.meta.url)
    .resolve("jest/package.json")
    .replace("package.json", "bin/jest.js");
  const run = () => project.node("--experimental-vm-modules", jest, "tests");
  const first = run();
  expect(first.stderr).toContain("1 passed");
  expect(first.stdout + first.stderr).toContain("gradient is 18");
  project.write({ "tests/rate.ts": "export const rate = (x: number): number => 5 * x;\n" });
  const second = run();
  expect(second.stdout + second.stderr).toContain("gradient is 50");
});
