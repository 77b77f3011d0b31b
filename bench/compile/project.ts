/** A project of as many files as wanted, each importing from the two before it: classes, loops, arrays, gradients. */
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export interface Project {
  readonly folder: string;
  readonly files: readonly string[];
  /** Changes a function that other files' derivatives call, and gives the file it stands in. */
  edit(factor: number): string;
  remove(): void;
}

const options = {
  target: "ES2022",
  module: "NodeNext",
  strict: true,
  types: [],
  skipLibCheck: true,
  noEmit: true,
  allowImportingTsExtensions: true,
  customConditions: ["@pullback/source"],
};

/** Writes the project into a folder that does not exist yet; `modules` is the node_modules that it uses. */
export function writeProject(folder: string, count: number, modules: string): Project {
  mkdirSync(join(folder, "src"), { recursive: true });
  symlinkSync(modules, join(folder, "node_modules"), "dir");
  writeFileSync(join(folder, "package.json"), '{ "name": "compiled", "type": "module" }');
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions: options, include: ["src"] }));
  const files = Array.from({ length: count }, (_, i) => join(folder, "src", `part${i}.ts`).replaceAll("\\", "/"));
  for (const [i, file] of files.entries()) writeFileSync(file, part(i, 2));
  return {
    folder,
    files,
    edit(factor) {
      const middle = Math.floor(count / 2);
      writeFileSync(files[middle], part(middle, factor));
      return files[middle];
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

function part(i: number, factor: number): string {
  const before = i === 0 ? undefined : i - 1;
  return `${i % 5 === 4 ? 'import { gradient, valueWithGradient } from "@pullback/autodiff";\n' : ""}${
    before === undefined ? "" : `import { activation${before}, Layer${before} } from "./part${before}.ts";\n`
  }
export interface Sample${i} {
  readonly inputs: number[];
  readonly target: number;
  readonly label: string;
}

/** A weighted sum with a bias. */
export class Layer${i} {
  constructor(
    public weights: number[],
    public bias: number,
  ) {}

  forward(inputs: number[]): number {
    let sum = this.bias;
    for (let k = 0; k < inputs.length; k++) {
      sum += this.weights[k % this.weights.length] * inputs[k];
    }
    return activation${i}(sum);
  }

  norm(): number {
    let sum = 0;
    for (const w of this.weights) sum += w * w;
    return Math.sqrt(sum + this.bias ** 2);
  }
}

export function activation${i}(x: number): number {
  if (x < 0) return ${factor} * Math.expm1(x);
  return x > 10 ? 10 + Math.log1p(x - 10) : ${before === undefined ? "x" : `x + 0.1 * activation${before}(x / 2)`};
}

export function loss${i}(layer: Layer${i}, samples: readonly Sample${i}[]): number {
  let total = 0;
  for (const { inputs, target } of samples) {
    const error = layer.forward(inputs) - target;
    total += error * error;
  }
  return total / samples.length + 0.01 * layer.norm();
}

export function simulate${i}(angle: number, speed: number): number {
  let [x, y, vx, vy] = [0, 0, speed * Math.cos(angle), speed * Math.sin(angle)];
  let steps = 0;
  while (y >= 0 && steps < 1000) {
    const drag = 1 - 0.001 * Math.sqrt(vx * vx + vy * vy);
    vx *= drag;
    vy = vy * drag - 9.81 * 0.01;
    x += vx * 0.01;
    y += vy * 0.01;
    steps++;
  }
  return x;
}

export function describe${i}(samples: readonly Sample${i}[]): string {
  const labels = new Map<string, number>();
  for (const { label } of samples) labels.set(label, (labels.get(label) ?? 0) + 1);
  return [...labels].map(([label, count]) => \`\${label}: \${count}\`).join(", ");
}
${
  before === undefined
    ? ""
    : `
export function distance${i}(a: Layer${i}, b: Layer${before}): number {
  return (a.norm() - b.norm()) ** 2;
}
`
}${
  i % 5 === 4
    ? `
export function train${i}(layer: Layer${i}, samples: Sample${i}[]): number {
  const { value, gradient: tangent } = valueWithGradient((l: Layer${i}) => loss${i}(l, samples))(layer);
  layer.weights = layer.weights.map((w, k) => w - 0.1 * tangent.weights[k]);
  layer.bias -= 0.1 * tangent.bias;
  return value + gradient(simulate${i})(0.6, 20)[0] + gradient(distance${i})(layer, new Layer${before}([1, 2], 3))[0].bias;
}
`
    : ""
}`;
}
