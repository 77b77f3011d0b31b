/** Every bundler builds a small project, and builds it again when a callee has changed; the bundles run in plain Node. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, test } from "@jest/globals";
import { TemporaryProject } from "../../../testdata/temporary-project.ts";

const rate = "export const rate = (x: number): number => 3 * x;\n";

const sources = {
  "src/rate.ts": rate,
  "src/loss.ts": `
import { rate } from "./rate.js";
export function loss(x: number): number {
  return rate(x) ** 2;
}
`,
  "src/custom.ts": "export function custom(x: number): number {\n  return x;\n}\n",
  // Nothing is imported from here: package.json's sideEffects keeps it.
  "src/registrations.ts": `
import { registerDerivative } from "@pullback/autodiff";
import { custom } from "./custom.ts";
registerDerivative(custom, { vjp: (x: number) => ({ value: x, pullback: (d: number): number => 100 * d }) });
`,
  "src/main.ts": `
import { gradient } from "@pullback/autodiff";
import { custom } from "./custom";
import { loss } from "./loss.ts";
import "./registrations.ts";

export const results: number[] = [gradient(loss)(1), gradient((x: number) => custom(x) * 2)(1)];
console.log(JSON.stringify(results));
`,
  "src/bad.ts": `
import { gradient } from "@pullback/autodiff";
console.log(gradient((x: number) => (x | 4) * x)(3));
`,
};

const project = new TemporaryProject({
  "package.json": JSON.stringify({ name: "project", type: "module", sideEffects: ["./src/registrations.ts"] }),
  "tsconfig.json": JSON.stringify({
    compilerOptions: {
      ...{ target: "ES2022", module: "ESNext", moduleResolution: "Bundler", strict: true, types: [], noEmit: true },
      ...{ allowImportingTsExtensions: true, skipLibCheck: true },
    },
    include: ["src"],
  }),
  ...sources,
  // Builds, reports what the bundle printed, changes the callee's file, builds again; then a file with an error.
  "twice.mjs": `
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";

const run = (file) => execFileSync(process.execPath, [file], { encoding: "utf8" }).trim();

export async function twice(build, file) {
  await build("src/main.ts");
  console.log(run(file));
  writeFileSync("src/rate.ts", "export const rate = (x: number): number => 5 * x;\\n");
  await build("src/main.ts");
  console.log(run(file));
}

export async function failing(build) {
  try {
    await build("src/bad.ts");
    console.log("built");
  } catch (error) {
    console.log(String(error.message));
  }
}
`,
  "vite.mjs": `
import { build } from "vite";
import pullback from "@pullback/compiler-plugin/vite";
import { failing, twice } from "./twice.mjs";

const plugin = pullback();
const bundle = (entry) => build({
  configFile: false, logLevel: "silent", plugins: [plugin],
  build: { outDir: "out-vite", sourcemap: true, lib: { entry, formats: ["es"], fileName: () => "main.mjs" } },
});
await twice(bundle, "out-vite/main.mjs");
await failing(bundle);
`,
  "rollup.mjs": `
import { rollup } from "rollup";
import pullback from "@pullback/compiler-plugin/rollup";
import { failing, twice } from "./twice.mjs";

const plugin = pullback();
let cache;
const bundle = async (input) => {
  const built = await rollup({ input, cache, plugins: [plugin], external: /^@pullback/, onwarn() {} });
  cache = built.cache;
  await built.write({ file: "out-rollup/main.mjs", sourcemap: true });
};
await twice(bundle, "out-rollup/main.mjs");
await failing(bundle);
`,
  "rolldown.mjs": `
import { rolldown } from "rolldown";
import pullback from "@pullback/compiler-plugin/rolldown";
import { failing, twice } from "./twice.mjs";

const plugin = pullback();
const bundle = async (input) => {
  const built = await rolldown({ input, plugins: [plugin], platform: "node", logLevel: "silent" });
  await built.write({ file: "out-rolldown/main.mjs", sourcemap: true });
  await built.close();
};
await twice(bundle, "out-rolldown/main.mjs");
await failing(bundle);
`,
  "esbuild.mjs": `
import { context } from "esbuild";
import pullback from "@pullback/compiler-plugin/esbuild";
import { failing, twice } from "./twice.mjs";

const contexts = new Map();
const bundle = async (entry) => {
  if (!contexts.has(entry)) {
    contexts.set(entry, await context({
      entryPoints: [entry], bundle: true, format: "esm", platform: "node", outfile: "out-esbuild/main.mjs",
      sourcemap: true, logLevel: "silent", plugins: [pullback()],
    }));
  }
  await contexts.get(entry).rebuild();
};
await twice(bundle, "out-esbuild/main.mjs");
await failing(bundle);
for (const each of contexts.values()) await each.dispose();
`,
  "webpack.mjs": `
import { resolve } from "node:path";
import webpack from "webpack";
import pullback from "@pullback/compiler-plugin/webpack";
import { failing, twice } from "./twice.mjs";

const compilers = new Map();
const bundle = (entry) => new Promise((done, fail) => {
  if (!compilers.has(entry)) {
    compilers.set(entry, webpack({
      mode: "production", target: "node", entry: "./" + entry, devtool: "source-map", plugins: [pullback()],
      cache: { type: "memory" }, output: { path: resolve("out-webpack"), filename: "main.cjs" },
    }));
  }
  compilers.get(entry).run((error, stats) => {
    if (error ?? stats.hasErrors()) fail(error ?? new Error(stats.toString({ all: false, errors: true })));
    else done();
  });
});
await twice(bundle, "out-webpack/main.cjs");
await failing(bundle);
`,
  "dev.mjs": `
import { writeFileSync } from "node:fs";
import { createServer } from "vite";
import pullback from "@pullback/compiler-plugin/vite";

const server = await createServer({
  configFile: false, logLevel: "silent", appType: "custom", plugins: [pullback()],
  server: { middlewareMode: true, ws: false },
});
const { client } = server.environments;
const updates = [];
const send = client.hot.send.bind(client.hot);
client.hot.send = (...args) => {
  updates.push(args[0].type);
  return send(...args);
};
const run = () => server.ssrLoadModule("/src/main.ts");
const served = async () => (await client.transformRequest("/src/main.ts")).code;
await run();
const before = await served();
await client.transformRequest("/src/loss.ts");
await client.transformRequest("/src/rate.ts");
writeFileSync("src/rate.ts", "export const rate = (x: number): number => 5 * x;\\n");
for (let i = 0; i < 200 && updates.length === 0; i++) await new Promise((next) => setTimeout(next, 50));
console.log(updates.length > 0 ? "told the browser" : "silent");
await run();
console.log(before.includes("$pb.carry") && (await client.transformRequest("/src/loss.ts")).code.includes("$pb.attach"));
await server.close();
`,
});
afterAll(() => project.remove());
beforeEach(() => project.write({ "src/rate.ts": rate }));

describe.each([
  ["vite", "out-vite/main.mjs"],
  ["rollup", "out-rollup/main.mjs"],
  ["rolldown", "out-rolldown/main.mjs"],
  ["esbuild", "out-esbuild/main.mjs"],
  ["webpack", "out-webpack/main.cjs"],
])("%s", (name, bundle) => {
  test("builds, builds again after a change, and reports an error with its place", () => {
    const { status, stdout, stderr } = project.node(`${name}.mjs`);
    const [first, second, ...message] = stdout.split("\n");
    expect({ first, second, stderr }).toEqual({ first: "[18,200]", second: "[50,200]", stderr: "" });
    expect(message.join("\n")).toContain("PB1007");
    expect(message.join("\n")).toMatch(/bad\.ts:3:\d+/);
    expect(status).toBe(0);
    const { sources: mapped, sourcesContent } = JSON.parse(readFileSync(join(project.folder, `${bundle}.map`), "utf8"));
    const main = (mapped as string[]).findIndex((each) => each.endsWith("src/main.ts"));
    expect(sourcesContent[main]).toBe(sources["src/main.ts"]);
  });
});

test("Vite's development server: a change in a callee reaches the derivatives of its callers", () => {
  const { status, stdout, stderr } = project.node("dev.mjs");
  expect({ stdout, stderr }).toEqual({ stdout: "[18,200]\ntold the browser\n[50,200]\ntrue\n", stderr: "" });
  expect(status).toBe(0);
});
