/** The transformer in `program.emit` and in ts-patch, on both versions of TypeScript: several files, emitted and run. */
import { cpSync, existsSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "@jest/globals";
import { originalPositionFor, TraceMap } from "@jridgewell/trace-mapping";
import { TemporaryProject } from "../../testdata/temporary-project.ts";

const main = `import { gradient } from "@pullback/autodiff";
import { energy, Spring } from "./spring.ts";
import type { Unit } from "./unit.ts";

enum Mode {
  slow = 2,
}
const unit: Unit = { name: "m" };
const factor = (x: number): number => Mode.slow * x;
console.log(JSON.stringify([
  gradient(energy)(new Spring(3), 2),
  gradient((x: number) => factor(x) * energy(new Spring(1), x))(1),
  unit.name,
]));

/** Kept in the output. */
export function fail(x: number): number {
  throw new Error("on purpose" + x);
}
`;

const project = new TemporaryProject({
  "tsconfig.json": JSON.stringify({
    compilerOptions: {
      ...{ target: "ES2022", module: "NodeNext", strict: true, types: [], skipLibCheck: true, sourceMap: true },
      ...{ verbatimModuleSyntax: true, rewriteRelativeImportExtensions: true, rootDir: "src", outDir: "out" },
      plugins: [{ transform: "@pullback/compiler-plugin/transformer" }],
      customConditions: ["@pullback/source"],
    },
    include: ["src"],
  }),
  "src/unit.ts": "export interface Unit {\n  readonly name: string;\n}\n",
  "src/spring.ts": `
export class Spring {
  constructor(public k: number) {}
  force(x: number): number {
    return -this.k * x;
  }
}
export function energy(s: Spring, x: number): number {
  return s.force(x) ** 2;
}
`,
  "src/main.ts": main,
  "bad/bad.ts":
    'import { gradient } from "@pullback/autodiff";\nconsole.log(gradient((x: number) => (x | 4) * x)(3));\n',
  "emit.mjs": `
import { createRequire } from "node:module";
import pullback from "@pullback/compiler-plugin/transformer";
const ts = createRequire(import.meta.url)(process.argv[2]);
const config = ts.getParsedCommandLineOfConfigFile("tsconfig.json", {}, { ...ts.sys, onUnRecoverableConfigFileDiagnostic() {} });
const program = ts.createProgram(process.argv[3] === undefined ? config.fileNames : [process.argv[3]], config.options);
const result = program.emit(undefined, undefined, undefined, undefined, { before: [pullback(program, {}, { ts })] });
console.log(ts.version.split(".")[0], result.emitSkipped);
`,
});
const workspaceModules = join(import.meta.dirname, "..", "..", "..", "..", "node_modules");
for (const name of ["typescript-5.9", "ts-patch"]) {
  symlinkSync(join(workspaceModules, name), join(project.folder, "node_modules", name), "dir");
}
afterAll(() => project.remove());

// (k x)² and 2 x · x²
const expected = '[[{"k":24},36],6,"m"]\n';

function expectOutput(): void {
  expect(project.node("out/main.js")).toEqual({ status: 0, stdout: expected, stderr: "" });
  const code = readFileSync(join(project.folder, "out", "main.js"), "utf8");
  expect(code).toContain("/** Kept in the output. */");
  const map = new TraceMap(readFileSync(join(project.folder, "out", "main.js.map"), "utf8"));
  const lines = code.split("\n");
  const line = lines.findIndex((text) => text.includes("throw new Error("));
  const place = originalPositionFor(map, { line: line + 1, column: lines[line].indexOf("throw") });
  expect(place.line).toBe(main.split("\n").findIndex((text) => text.includes("throw")) + 1);
  rmSync(join(project.folder, "out"), { recursive: true });
}

describe.each([
  ["typescript", "6"],
  ["typescript-5.9", "5"],
])("program.emit of %s", (name, major) => {
  test("emits files that run, with maps to the sources", () => {
    const { stdout, stderr } = project.node("emit.mjs", name);
    expect({ stdout, stderr }).toEqual({ stdout: `${major} false\n`, stderr: "" });
    expectOutput();
  });
});

test("an error of the compiler ends the emit, with its code frame", () => {
  const { status, stderr } = project.node("emit.mjs", "typescript", "bad/bad.ts");
  expect(status).not.toBe(0);
  expect(stderr).toContain("PB1007");
  expect(stderr).toMatch(/bad\.ts:2:\d+/);
});

test("ts-patch: tsc of a patched TypeScript, configured in tsconfig.json", () => {
  const patched = join(project.folder, "node_modules", "typescript");
  rmSync(patched);
  cpSync(join(workspaceModules, "typescript-5.9"), patched, { recursive: true });
  const patch = project.node(join(workspaceModules, "ts-patch", "bin", "ts-patch.js"), "install", "-s");
  expect(patch.status).toBe(0);
  const tsc = project.node(join(patched, "bin", "tsc"), "-p", ".");
  expect({ status: tsc.status, stdout: tsc.stdout }).toEqual({ status: 0, stdout: "" });
  expect(existsSync(join(project.folder, "out", "spring.js"))).toBe(true);
  expectOutput();
});
