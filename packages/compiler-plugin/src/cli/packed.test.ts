/** A library is built and packed; another project differentiates through its JavaScript, declarations and manifest. */
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { TemporaryProject } from "../../testdata/temporary-project.ts";

const options = {
  ...{ target: "ES2022", module: "NodeNext", strict: true, types: [], skipLibCheck: true },
  ...{ verbatimModuleSyntax: true, allowImportingTsExtensions: true, customConditions: ["@pullback/source"] },
};

const library = new TemporaryProject({
  "package.json": JSON.stringify({
    ...{ name: "springs", version: "1.0.0", type: "module", files: ["dist"], sideEffects: ["./dist/sensor.js"] },
    exports: { ".": { types: "./dist/index.d.ts", default: "./dist/index.js" } },
  }),
  "tsconfig.json": JSON.stringify({
    compilerOptions: { ...options, rewriteRelativeImportExtensions: true, rootDir: "src", outDir: "dist" },
    include: ["src"],
  }),
  "src/index.ts":
    'export { Body, energy, norm, plain, scale, Spring } from "./springs.ts";\nexport { cubed, sensor, Vec } from "./sensor.ts";\n',
  "src/springs.ts": `
export class Spring {
  constructor(public k: number, public readonly name: string) {}
  /** @differentiable */
  force(x: number): number {
    return -this.k * x;
  }
  /** @differentiable */
  get stiffness() {
    return 2 * this.k;
  }
}
export class Body {
  mass: number;
  constructor(mass: number) {
    this.mass = 2 * mass;
  }
}
/** @differentiable */
export function energy(s: Spring, x: number): number {
  return s.force(x) ** 2;
}
/** @differentiable */
export const norm = (values: number[]): number => {
  let sum = 0;
  for (const v of values) sum += v * v;
  return Math.sqrt(sum);
};
/** @differentiable */
export function scale(values: number[], k: number): void {
  for (let i = 0; i < values.length; i++) values[i]! *= k;
}
export function plain(x: number): number {
  return 3 * x;
}
`,
  "src/sensor.ts": `
import { registerDerivative } from "@pullback/autodiff";
export function sensor(x: number): number {
  return Math.round(x);
}
export function cubed(x: number, y: number): number {
  return [x].map((v) => v * v * v)[0]! * y;
}
const third = (x: number) => 3 * x * x;
function rule(x: number, y: number) {
  return { value: cubed(x, y), differential: (dx: number, dy: number) => third(x) * y * dx + x ** 3 * dy };
}
registerDerivative(cubed, {
  vjp: (x: number, y: number) => ({ value: cubed(x, y), pullback: (d: number) => [third(x) * y * d, x ** 3 * d] }),
  jvp: rule,
});
interface Arrow {
  x: number;
  y: number;
}
export class Vec {
  constructor(readonly x: number, readonly y: number) {}
  /** Registered. */
  dot(other: Vec): number {
    return this.x * other.x + this.y * other.y;
  }
  size(): number {
    return Math.hypot(this.x, this.y);
  }
}
registerDerivative(Vec.prototype.dot, {
  vjp: (a: Vec, b: Vec) => ({
    value: a.dot(b),
    pullback: (d: number) => [{ x: d * b.x, y: d * b.y }, { x: d * a.x, y: d * a.y }],
  }),
  jvp: (a: Vec, b: Vec) => ({
    value: a.dot(b),
    differential: (da?: Arrow, db?: Arrow) => (da?.x ?? 0) * b.x + (da?.y ?? 0) * b.y + a.x * (db?.x ?? 0) + a.y * (db?.y ?? 0),
  }),
});
registerDerivative(Vec.prototype.size, {
  vjp: (v: Vec) => ({ value: v.size(), pullback: (d: number) => ({ x: (d * v.x) / v.size(), y: (d * v.y) / v.size() }) }),
  jvp: (v: Vec) => ({ value: v.size(), differential: (dv?: Arrow) => ((dv?.x ?? 0) * v.x + (dv?.y ?? 0) * v.y) / v.size() }),
  wrt: ["this"],
});
registerDerivative(sensor, { vjp: (x: number) => ({ value: Math.round(x), pullback: (d: number): number => 10 * d }) });
`,
});

const operator = 'import { derivative, differential, gradient, hessian, pullback } from "@pullback/autodiff";\n';

const project = new TemporaryProject({
  "tsconfig.json": JSON.stringify({ compilerOptions: { ...options, noEmit: true }, include: ["*.ts"] }),
  "main.ts": `${operator}
import { energy, norm, sensor, Spring } from "springs";
console.log(JSON.stringify([
  gradient(energy)(new Spring(3, "a"), 2),
  gradient((k: number) => {
    const s = new Spring(k, "b");
    return s.force(2) * s.stiffness + energy(s, 1);
  })(3),
  gradient((a: number, b: number) => norm([a, b]))(3, 4),
  gradient((x: number) => sensor(x) * 2)(1.2),
]));
`,
  "twice.ts": `${operator}
import { energy, norm, scale, Spring } from "springs";
const bent = (k: number) => {
  const s = new Spring(k, "b");
  return s.force(2) * s.stiffness + energy(s, 1);
};
const stretched = (x: number) => {
  const list = [x, 2];
  scale(list, x);
  return norm(list) ** 2;
};
console.log(JSON.stringify([
  pullback(gradient(energy))(new Spring(3, "a"), 2)([{ k: 1 }, 0]),
  differential(gradient(energy))(new Spring(3, "a"), 2)({ k: 1 }, 0),
  [gradient(gradient(bent))(3), derivative(gradient(bent))(3), gradient(derivative(bent))(3), derivative(derivative(bent))(3)],
  hessian((v: number[]) => norm(v))([3, 4]),
  hessian(norm)([3, 4]),
  [gradient(gradient(stretched))(3), derivative(gradient(stretched))(3)],
]));
`,
  "rules.ts": `${operator}
import { cubed, Vec } from "springs";
const cubic = (x: number) => cubed(x, x) + cubed(2, x);
const curved = (x: number) => {
  const v = new Vec(x, x * x);
  return v.dot(v) * v.size();
};
console.log(JSON.stringify([
  [gradient(gradient(cubic))(1.5), derivative(gradient(cubic))(1.5), gradient(derivative(cubic))(1.5), derivative(derivative(cubic))(1.5)],
  [gradient(gradient(curved))(1.5), derivative(gradient(curved))(1.5), gradient(derivative(curved))(1.5), derivative(derivative(curved))(1.5)],
  hessian((p: number[]) => cubed(p[0]!, p[1]!))([2, 3]),
  pullback(gradient(cubed))(2, 3)([1, 0]),
  differential(gradient(cubed))(2, 3)(0, 1),
]));
`,
  "inside.ts": `${operator}import { jacobian, valueWithGradient } from "@pullback/autodiff";
import { cubed, norm } from "springs";
const f = (x: number) => {
  const row = jacobian(norm)([x, 2]);
  const [dx, dy] = pullback(cubed)(x, 2)(x);
  const { value, gradient: slopes } = valueWithGradient(cubed)(x, x);
  const along = differential(norm)([x, 1])([1, x]);
  return row[0]! * dx + dy + value * slopes[0] + along + derivative(cubed, { wrt: 0 })(x, 3);
};
const plain = (x: number) => {
  const n = (a: number, b: number) => Math.hypot(a, b);
  return (x / n(x, 2)) * 6 * x ** 3 + x ** 4 + x ** 4 * 3 * x ** 3 + (2 * x) / n(x, 1)
    + 9 * x * x;
};
const h = 1e-5;
console.log(JSON.stringify([
  f(1.3) - plain(1.3),
  gradient(f)(1.3) - (plain(1.3 + h) - plain(1.3 - h)) / (2 * h),
  derivative(f)(1.3) - gradient(f)(1.3),
]));
`,
  "again.ts": `${operator}import { sensor } from "springs";\ngradient(gradient((x: number) => sensor(x) * x))(1);\n`,
  "forwards.ts": `${operator}import { sensor } from "springs";\nderivative((x: number) => sensor(x) * x)(1);\n`,
  "third.ts": `${operator}import { norm } from "springs";\ngradient(gradient(gradient((x: number) => norm([x, 1]))))(1);\n`,
  "direct-third.ts": `${operator}import { cubed } from "springs";\nhessian((x: number) => gradient((y: number) => cubed(x, y))(x));\n`,
  "plain.ts": `${operator}import { plain } from "springs";\ngradient((x: number) => plain(x) * 2)(1);\n`,
  "direct.ts": `${operator}import { plain } from "springs";\ngradient(plain)(1);\n`,
  "body.ts": `${operator}import { Body } from "springs";\ngradient((x: number) => new Body(x).mass)(1);\n`,
  "old.ts": `${operator}import { f } from "old";\ngradient((x: number) => f(x))(1);\n`,
  "foreign.ts": `${operator}import { f } from "foreign";\ngradient((x: number) => f(x))(1);\n`,
});
const tiny = (name: string) => ({
  [`node_modules/${name}/package.json`]: JSON.stringify({ name, type: "module", exports: "./index.js" }),
  [`node_modules/${name}/index.js`]: "export const f = (x) => x;\n",
  [`node_modules/${name}/index.d.ts`]: "export declare const f: (x: number) => number;\n",
});
afterAll(() => {
  library.remove();
  project.remove();
});

beforeAll(() => {
  const built = library.pullback("build", ".");
  if (built.status !== 0) throw new Error(built.stderr);
  const pack = spawnSync("npm", ["pack", "--silent", "--ignore-scripts", "--pack-destination", project.folder], {
    cwd: library.folder,
    shell: process.platform === "win32",
  });
  if (pack.status !== 0) throw new Error(String(pack.stderr));
  const target = join(project.folder, "node_modules", "springs");
  mkdirSync(target);
  spawnSync("tar", ["xzf", join(project.folder, "springs-1.0.0.tgz"), "-C", target, "--strip-components=1"]);
  project.write({
    ...tiny("old"),
    ...tiny("foreign"),
    "node_modules/old/pullback.json": '{ "abi": 0, "derivatives": [{ "module": "index.js", "name": "f" }] }',
  });
});

test("the package holds JavaScript, declarations, maps and the manifest, and no source", () => {
  const files = readdirSync(join(project.folder, "node_modules", "springs", "dist"));
  expect(files.filter((file) => !file.endsWith(".map")).sort()).toEqual([
    ...["index.d.ts", "index.js", "pullback.json", "sensor.d.ts", "sensor.js", "springs.d.ts", "springs.js"],
  ]);
  const manifest = JSON.parse(
    readFileSync(join(project.folder, "node_modules", "springs", "dist", "pullback.json"), "utf8"),
  );
  const rule = (name: string, modes: string[], wrt: number[], receiver = false) => {
    const place = { module: "sensor.js", from: "sensor.js" };
    return { ...place, name, modes, wrt, receiver, effects: "none", retains: false };
  };
  expect(manifest.registrations).toEqual([
    rule("cubed", ["reverse", "forward", "second"], [0, 1]),
    rule("Vec.dot", ["reverse", "forward", "second"], [0, 1], true),
    rule("Vec.size", ["reverse", "forward", "second"], [0], true),
    rule("sensor", ["reverse"], [0]),
  ]);
  const modes = Object.fromEntries(
    manifest.derivatives.map((each: { name: string; modes: string[] }) => [each.name, each.modes]),
  );
  expect(modes).toMatchObject({
    energy: ["reverse", "forward", "second"],
    scale: ["reverse", "forward", "second"],
  });
  expect(manifest.classes).toEqual([
    { module: "sensor.js", name: "Vec", stores: ["x", "y"] },
    { module: "springs.js", name: "Spring", stores: ["k", "name"] },
  ]);
  const conduct = (name: string) => manifest.derivatives.find((each: { name: string }) => each.name === name).conduct;
  expect(conduct("norm")).toEqual({ mutates: "0", returned: "0", linked: [], effects: "none" });
  expect(conduct("scale")).toEqual({ mutates: "10", returned: "00", linked: [], effects: "none" });
});

test("--orders 1 publishes both modes of the first order, and much less code", () => {
  expect(library.pullback("build", ".", "--orders", "1", "--out-dir", "once").status).toBe(0);
  const read = (folder: string, file: string) => readFileSync(join(library.folder, folder, file), "utf8");
  const { derivatives } = JSON.parse(read("once", "pullback.json"));
  expect(derivatives).toContainEqual(expect.objectContaining({ name: "energy", modes: ["reverse", "forward"] }));
  expect(2 * read("once", "springs.js").length).toBeLessThan(read("dist", "springs.js").length);
});

test("functions, methods, accessors, constructors that store, arrows and registrations differentiate", () => {
  const { status, stdout, stderr } = project.pullback("run", "main.ts");
  // energy = (k x)²; -2k · 2k + k² = -3k²; the norm's direction; the registered 10.
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  const near = (values: number[]) => values.map((value) => expect.closeTo(value, 12));
  expect(JSON.parse(stdout)).toEqual([[{ k: 24 }, 36], -18, near([0.6, 0.8]), 20]);
});

test("second orders, in every pair of modes, go through the package", () => {
  const { status, stdout, stderr } = project.pullback("run", "twice.ts");
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  const near = (values: number[]) => values.map((value) => expect.closeTo(value, 10));
  // energy = (k x)²; bent = -3k²; the norm's Hessian is (1 - n nᵀ) / 5; stretched = x⁴ + 4x².
  const norm = [near([0.128, -0.096]), near([-0.096, 0.072])];
  const [back, forth, bent, rows, direct, stretched] = JSON.parse(stdout);
  expect([back, forth]).toEqual([
    [{ k: 8 }, 24],
    [{ k: 8 }, 24],
  ]);
  expect(bent).toEqual(near([-6, -6, -6, -6]));
  expect([rows, direct]).toEqual([norm, norm]);
  expect(stretched).toEqual(near([116, 116]));
});

test("registered derivatives are differentiated again, in every pair of modes", () => {
  const { status, stdout, stderr } = project.pullback("run", "rules.ts");
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  const near = (values: number[]) => values.map((value) => expect.closeTo(value, 10));
  const [cubic, curved, rows, back, forth] = JSON.parse(stdout);
  // cubic = x⁴ + 8x; curved = (x² + x⁴)^(3/2), whose second derivative at 1.5 is that of x³ (1 + x²)^(3/2).
  expect(cubic).toEqual(near([27, 27, 27, 27]));
  const [x, u] = [1.5, 3.25];
  const bent = 6 * x * u ** 1.5 + 2 * 3 * x * x * 3 * x * u ** 0.5 + x ** 3 * (3 * u ** 0.5 + (3 * x * x) / u ** 0.5);
  expect(curved).toEqual(near([bent, bent, bent, bent]));
  expect(rows).toEqual([near([36, 12]), near([12, 0])]);
  expect(back).toEqual(near([36, 12]));
  expect(forth).toEqual(near([12, 0]));
});

test("operators of published functions stand inside differentiated code", () => {
  const { status, stdout, stderr } = project.pullback("run", "inside.ts");
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  const [value, gradient, derivative] = JSON.parse(stdout);
  expect(Math.abs(value)).toBeLessThan(1e-12);
  expect(Math.abs(gradient)).toBeLessThan(1e-6);
  expect(Math.abs(derivative)).toBeLessThan(1e-10);
});

test.each([
  ["again.ts", "PB3023", "springs publishes no forward-mode derivative of sensor"],
  ["forwards.ts", "PB3023", "springs publishes no forward-mode derivative of sensor"],
  ["third.ts", "PB3023", "springs publishes no third derivative of norm"],
  ["direct-third.ts", "PB3023", "springs publishes no third derivative of cubed"],
  ["plain.ts", "PB3021", "springs publishes no derivative of plain"],
  ["direct.ts", "PB3021", "springs publishes no derivative of plain"],
  ["body.ts", "PB3001", "The constructor of Body"],
  ["old.ts", "PB3020", "old, which declares f, was compiled for version 0"],
  ["foreign.ts", "PB3022", "foreign, which declares f, is not compiled"],
])("%s: %s", (file, code, message) => {
  const { status, stderr } = project.pullback("run", file);
  expect(stderr).toContain(code);
  expect(stderr).toContain(message);
  expect(stderr).toContain("help: ");
  expect(status).toBe(1);
});

test("a package's registrations for functions of another package are in force for those who depend on it", () => {
  const gauge = {
    "node_modules/gauge/package.json": JSON.stringify({ name: "gauge", type: "module", exports: "./lib/index.js" }),
    "node_modules/gauge/lib/index.js":
      "export const read = (x, y) => x * x * y;\nexport class Dial { constructor(k) { this.k = k; } turn(x) { return this.k * x; } }\n",
    "node_modules/gauge/lib/index.d.ts":
      "export declare const read: (x: number, y: number) => number;\nexport declare class Dial { k: number; constructor(k: number); turn(x: number): number; }\n",
  };
  const rules = new TemporaryProject({
    ...gauge,
    "package.json": JSON.stringify({
      ...{ name: "rules", version: "1.0.0", type: "module", exports: "./dist/index.js" },
      dependencies: { gauge: "*" },
    }),
    "tsconfig.json": JSON.stringify({
      compilerOptions: { ...options, rewriteRelativeImportExtensions: true, rootDir: "src", outDir: "dist" },
      include: ["src"],
    }),
    "src/index.ts": `import { registerDerivative } from "@pullback/autodiff";
import { Dial, read } from "gauge";
registerDerivative(read, {
  vjp: (x: number, y: number) => ({ value: read(x, y), pullback: (d: number) => [2 * x * y * d, x * x * d] }),
  jvp: (x: number, y: number) => ({ value: read(x, y), differential: (dx: number, dy: number) => 2 * x * y * dx + x * x * dy }),
});
registerDerivative(Dial.prototype.turn, {
  vjp: (dial: Dial, x: number) => ({ value: dial.turn(x), pullback: (d: number) => dial.k * d }),
  jvp: (dial: Dial, x: number) => ({ value: dial.turn(x), differential: (dx: number) => dial.k * dx }),
  wrt: [0],
});
export const unit = 1;
`,
  });
  expect(rules.pullback("build", ".")).toMatchObject({ status: 0, stderr: "" });
  const manifest = JSON.parse(readFileSync(join(rules.folder, "dist", "pullback.json"), "utf8"));
  const place = { package: "gauge", module: "lib/index.js", from: "index.js" };
  expect(manifest.registrations).toEqual([
    expect.objectContaining({ ...place, name: "read", wrt: [0, 1], receiver: false }),
    expect.objectContaining({ ...place, name: "Dial.turn", wrt: [1], receiver: true }),
  ]);
  const target = join(project.folder, "node_modules", "rules");
  cpSync(join(rules.folder, "dist"), join(target, "dist"), { recursive: true });
  cpSync(join(rules.folder, "package.json"), join(target, "package.json"));
  rules.remove();
  const between = (name: string, dependency: string) => ({
    [`node_modules/${name}/package.json`]: JSON.stringify({
      ...{ name, type: "module", exports: "./index.js" },
      dependencies: { [dependency]: "*" },
    }),
    [`node_modules/${name}/index.js`]: `import "${dependency}";\nexport const two = 2;\n`,
    [`node_modules/${name}/index.d.ts`]: "export declare const two: number;\n",
    [`node_modules/${name}/pullback.json`]: '{ "abi": 1 }',
  });
  const uses = `import { Dial, read } from "gauge";
const f = (x: number) => read(x, 3) + new Dial(4).turn(x) * x;
console.log(JSON.stringify([gradient(f)(2), derivative(f)(2), gradient(gradient(f))(2), derivative(gradient(f))(2), gradient(read)(2, 3)]));
`;
  project.write({
    ...gauge,
    ...between("between", "rules"),
    "registered.ts": `${operator}import { unit } from "rules";\n${uses}export const one = unit;\n`,
    "through.ts": `${operator}import { two } from "between";\n${uses}export const both = two;\n`,
    "unregistered.ts": `${operator}${uses}`,
    "again-registered.ts": `${operator}import { registerDerivative } from "@pullback/autodiff";
import { unit } from "rules";
import { read } from "gauge";
registerDerivative(read, { vjp: (x: number, y: number) => ({ value: x, pullback: (d: number) => [d, d * y] }) });
export const one = unit;
`,
  });
  for (const file of ["registered.ts", "through.ts"]) {
    const run = project.pullback("run", file);
    expect({ status: run.status, stderr: run.stderr }).toEqual({ status: 0, stderr: "" });
    // 3x² + 4x²
    expect(JSON.parse(run.stdout)).toEqual([28, 28, 14, 14, [12, 4]]);
  }
  expect(project.pullback("run", "unregistered.ts").stderr).toContain("PB3022");
  expect(project.pullback("run", "again-registered.ts").stderr).toContain("PB3006");
});

test("--orders 3 publishes third derivatives", () => {
  expect(library.pullback("build", ".", "--orders", "3").status).toBe(0);
  const target = join(project.folder, "node_modules", "springs", "dist");
  cpSync(join(library.folder, "dist"), target, { recursive: true });
  project.write({
    "thirds.ts": `${operator}import { hessianVectorProduct } from "@pullback/autodiff";
import { cubed, norm, Vec } from "springs";
const bend = (x: number) => hessian(norm)([x, 2])[0]![0]! + hessianVectorProduct(norm)([x, 2], [0, 1])[0]!;
const f = (x: number) => norm([x, 1]) + cubed(x, 2) * new Vec(x, 1).dot(new Vec(1, x)) + new Vec(x, 1).size();
console.log(JSON.stringify([
  gradient(gradient(gradient(f)))(1),
  derivative(gradient(gradient(f)))(1),
  gradient(derivative(gradient(f)))(1),
  derivative(derivative(derivative(f)))(1),
  gradient(bend)(1),
  derivative(bend)(1),
]));
`,
  });
  const run = project.pullback("run", "thirds.ts");
  expect({ status: run.status, stderr: run.stderr }).toEqual({ status: 0, stderr: "" });
  // The third derivative of √(x² + 1) is -3x / (x² + 1)^(5/2), and counts twice; that of 2x³ · 2x is 96x.
  const expected = expect.closeTo(96 - 6 / 2 ** 2.5, 10);
  // bend = (4 - 2x) / (x² + 4)^(3/2)
  const bent = expect.closeTo(-2 / 5 ** 1.5 - 6 / 5 ** 2.5, 10);
  expect(JSON.parse(run.stdout)).toEqual([expected, expected, expected, expected, bent, bent]);
});
