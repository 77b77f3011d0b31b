/**
 * The on-device table of the Swift for TensorFlow paper in today's terms: what fine-tuning a spline costs by a compiled
 * derivative, a hand-written one, and three libraries that trace at run time. Each contender is built by Vite as an app
 * would be, and the bundle is run in a process of its own, in turns.
 *
 *     npm run spline -w bench
 */
import { execFileSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import pullback from "@pullback/compiler-plugin/vite";
import { build, type Rolldown } from "vite";
import type { Measured } from "./worker.ts";

const steps = 200;
const secondsPerTurn = 0.5;
const turns = 3;
interface Contender {
  readonly name: string;
  readonly entry: string;
  /** The first major version of Node that it runs on. */
  readonly node: number;
}

interface Bundle {
  readonly path: string;
  readonly bytes: number;
  readonly gzipped: number;
}

const contenders: readonly Contender[] = [
  { name: "compiled by Pullback", entry: "compiled", node: 20 },
  { name: "hand-written gradient", entry: "by-hand", node: 20 },
  { name: "closure tape", entry: "closure-tape", node: 20 },
  { name: "TensorFlow.js (cpu)", entry: "tfjs", node: 20 },
  { name: "jax-js (WebAssembly)", entry: "jax", node: 24 },
];

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const folder = await mkdtemp(join(tmpdir(), "spline-"));

/** Builds one module with all that it imports; the bytes are those of the chunks that it needs at its start. */
async function bundle(entry: string): Promise<Bundle> {
  const outDir = join(folder, entry.replace("/", "-"));
  const result = (await build({
    root: here("."),
    configFile: false,
    logLevel: "error",
    resolve: { alias: { util: here("node-util.ts") } },
    plugins: [pullback({ root: here("."), tsconfig: "tsconfig.json" })],
    build: {
      outDir,
      emptyOutDir: true,
      target: "es2023",
      minify: true,
      lib: { entry: here(`${entry}.ts`), formats: ["es"], fileName: "entry" },
    },
  })) as Rolldown.RolldownOutput[];
  const chunks = new Map(
    result.flatMap(({ output }) => output).flatMap((o) => (o.type === "chunk" ? [[o.fileName, o]] : [])),
  );
  const needed = new Set<string>();
  const visit = (name: string) => {
    if (needed.has(name)) return;
    needed.add(name);
    for (const imported of chunks.get(name)?.imports ?? []) visit(imported);
  };
  const first = [...chunks.values()].find(({ isEntry }) => isEntry)!;
  visit(first.fileName);
  const code = [...needed].map((name) => Buffer.from(chunks.get(name)?.code ?? ""));
  await writeFile(join(outDir, "package.json"), '{ "type": "module" }');
  return {
    path: join(outDir, first.fileName),
    bytes: code.reduce((sum, part) => sum + part.length, 0),
    gzipped: code.reduce((sum, part) => sum + gzipSync(part, { level: 9 }).length, 0),
  };
}

function run<T>(flags: readonly string[], ...argument: readonly (string | number)[]): T {
  const output = execFileSync(process.execPath, ["--expose-gc", ...flags, ...argument.map(String)], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
  return JSON.parse(output.trim().split("\n").at(-1)!) as T;
}

const youngGeneration = ["--min-semi-space-size=256", "--max-semi-space-size=256"];

const median = (values: readonly number[]) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
const kibibytes = (bytes: number) => (bytes / 1024).toFixed(bytes < 102_400 ? 1 : 0);
const row = (cells: readonly string[]) => console.log(`| ${cells.join(" | ")} |`);

try {
  const major = Number(process.versions.node.split(".")[0]);
  const worker = (await bundle("worker")).path;
  const rows: (Contender & Bundle & { turns: Measured[] })[] = [];
  for (const contender of contenders)
    rows.push({ ...contender, ...(await bundle(`contenders/${contender.entry}`)), turns: [] as Measured[] });
  for (let turn = 0; turn < turns; turn++) {
    for (const one of rows)
      if (major >= one.node) one.turns.push(run<Measured>([], worker, one.path, steps, secondsPerTurn));
  }
  const times = (name: string) =>
    median(rows.find(({ entry }) => entry === name)!.turns.flatMap((t) => t.microseconds));
  const byHand = times("by-hand");
  row([
    "",
    "µs per step",
    "of hand-written",
    "first 200 steps ms",
    "heap KiB",
    "allocated per step KiB",
    "resident MiB",
    "bundle KiB",
    "gzipped KiB",
    "loss",
  ]);
  row(new Array(10).fill("---"));
  for (const { name, entry, path, node, bytes, gzipped, turns: done } of rows) {
    const size = [kibibytes(bytes), kibibytes(gzipped)];
    if (done.length === 0) {
      row([name, `needs Node ${node}`, "", "", "", "", "", ...size, ""]);
      continue;
    }
    const of = (pick: (m: Measured) => number) => median(done.map(pick));
    const time = times(entry);
    row([
      name,
      time.toFixed(2),
      (time / byHand).toFixed(2),
      of((m) => m.first).toFixed(1),
      kibibytes(of((m) => m.heap)),
      kibibytes(run<number>(youngGeneration, worker, path, steps)),
      (of((m) => m.resident) / 2 ** 20).toFixed(0),
      ...size,
      of((m) => m.loss).toFixed(6),
    ]);
  }
  const losses = rows.flatMap((one) => one.turns.map((t) => t.loss));
  if (Math.max(...losses) - Math.min(...losses) > 1e-5) throw new Error("the contenders do not find the same spline");
} finally {
  await rm(folder, { recursive: true, force: true });
}
