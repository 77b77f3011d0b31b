/** The Node hook in child processes: what it owes any TypeScript program, derivatives or not. */
import { afterAll, expect, test } from "@jest/globals";
import { TemporaryProject } from "../../testdata/temporary-project.ts";

const project = new TemporaryProject({
  "main.ts": `
import { fail } from "./failing.js";
import { three } from "./folder";
interface Nothing { readonly here: true }
console.log(JSON.stringify([three as number, process.argv.slice(2), process.argv[1].endsWith("main.ts")]));
if (process.argv.includes("fail")) fail();
process.exitCode = 7;
`,
  "failing.ts": `
interface Options {
  readonly gone: string;
}

export function fail(options?: Options): never {
  throw new Error("on purpose");
}
`,
  "folder/index.ts": "export const three: number = 3;\n",
  "derivatives.ts": `
import { gradient, pullback, registerDerivative } from "@pullback/autodiff";

function logarithm(x: number): number {
  if (x < 0) {
    throw new RangeError("negative");
  }
  return Math.log(x);
}

export function weight(x: number): number {
  return 2 * x;
}
registerDerivative(weight, {
  vjp: (x: number) => ({
    value: 2 * x,
    pullback: (): number => {
      throw new RangeError("no cotangent");
    },
  }),
});

const attempts = [
  () => gradient(logarithm)(-1),
  () =>
    gradient((x: number) => {
      const y = x * x;
      return y + logarithm(-y);
    })(1),
  () => pullback((x: number) => {
    const y = weight(x);
    return y * y;
  })(3)(1),
];
for (const attempt of attempts) {
  try {
    attempt();
  } catch (error) {
    console.log((error as Error).stack);
  }
}
`,
  "broken.ts": "export const x: number = ;\n",
  "uncompiled.mjs": `
import { gradient } from "@pullback/autodiff";
gradient((x) => x * x)(3);
`,
});
afterAll(() => project.remove());

test("TypeScript runs, .js and folder specifiers find .ts files, arguments and exit status pass through", () => {
  expect(project.pullback("run", "main.ts", "a", "--b")).toEqual({
    status: 7,
    stdout: '[3,["a","--b"],true]\n',
    stderr: "",
  });
  expect(project.hooked("main.ts", "c")).toMatchObject({ status: 7, stdout: '[3,["c"],true]\n' });
});

test("stack traces lead to the TypeScript as written", () => {
  const { status, stderr } = project.pullback("run", "main.ts", "fail");
  expect(status).toBe(1);
  expect(stderr).toContain("Error: on purpose");
  expect(stderr).toMatch(/failing\.ts:7:9/);
  expect(stderr).toMatch(/main\.ts:6:\d+/);
});

test("stack traces in derivatives lead to the lines that were differentiated", () => {
  const { stdout } = project.hooked("derivatives.ts");
  const own = stdout
    .split(/(?=RangeError)/)
    .map((stack) => [...stack.matchAll(/derivatives\.ts:(\d+):\d+/g)].map((match) => Number(match[1])));
  // The function that throws, the derivative that called it, the place that asked for the gradient, the loop.
  expect(own).toEqual([
    [6, 24, 37],
    [6, 29, 37],
    [18, 31, 33, 37],
  ]);
});

test("a file that does not parse is named with line and column", () => {
  const { status, stderr } = project.pullback("run", "broken.ts");
  expect(status).toBe(1);
  expect(stderr).toContain("broken.ts:1:26");
});

test("an operator in a program that was never compiled throws PB9001 with the set-up steps", () => {
  const { status, stderr } = project.node("uncompiled.mjs");
  expect(status).toBe(1);
  expect(stderr).toContain("PB9001");
  expect(stderr).toContain("npx pullback run");
  expect(stderr).toContain("@pullback/compiler-plugin/register");
});

test("a file that is not there is reported without a stack of the command's own", () => {
  const { status, stderr } = project.pullback("check", "nowhere.ts");
  expect(status).toBe(1);
  expect(stderr).toContain("PB9003");
  expect(stderr).not.toContain("    at ");
});
