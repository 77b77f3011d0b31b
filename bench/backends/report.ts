/** The tables of docs/measures/backends.md. */
import { readFile, writeFile } from "node:fs/promises";
import { loadavg } from "node:os";

/** What a contender did with a model: times of its steps in milliseconds, round by round, or why it could not. */
export interface Row {
  readonly model: string;
  readonly contender: string;
  readonly times?: readonly number[];
  readonly loss?: number;
  readonly refusal?: string;
}

export interface Circumstances {
  readonly rounds: number;
  /** Rounds that a slow contender has at the least. */
  readonly leastRounds: number;
  /** How many steps had their losses compared: at the least, at the most. */
  readonly compared: readonly [number, number];
  /** Whether every contender ran every model, so that the document can be written. */
  readonly whole: boolean;
  readonly cores: number;
}

/** The value below which a share of the samples lies. */
function quantile(samples: readonly number[], share: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  const at = share * (sorted.length - 1);
  const low = Math.floor(at);
  return sorted[low]! + (sorted[Math.min(low + 1, sorted.length - 1)]! - sorted[low]!) * (at - low);
}

const median = (samples: readonly number[]): number => quantile(samples, 0.5);
const milliseconds = (time: number): string => (time < 100 ? time.toFixed(1) : time.toFixed(0));

/** Per-round quotients: their median, and the quartiles. */
function ratio(over: Row | undefined, under: Row | undefined): string {
  if (over?.times === undefined || under?.times === undefined) return "–";
  // A slow one has taken part in the first rounds only.
  const common = Math.min(over.times.length, under.times.length);
  const quotients = over.times.slice(0, common).map((time, round) => time / under.times![round]!);
  const digits = (x: number): string => (x < 10 ? x.toFixed(2) : x.toFixed(0));
  return `${digits(median(quotients))} (${digits(quantile(quotients, 0.25))}–${digits(quantile(quotients, 0.75))})`;
}

const labels: Readonly<Record<string, string>> = {
  mlp: "MLP 784-512-512-10, batch 128, SGD",
  lenet: "LeNet-5, batch 128, SGD",
  decoder: "decoder, d 128, 2 layers, 4 heads, 4 x 64 of 256 tokens, Adam",
};

const table = (head: readonly string[], body: readonly (readonly string[])[]): string =>
  [head, head.map(() => "---"), ...body].map((cells) => `| ${cells.join(" | ")} |`).join("\n");

/** Prints the tables, and writes the document where the run was a whole one. */
export async function writeReport(rows: readonly Row[], circumstances: Circumstances): Promise<void> {
  const found = [...new Set(rows.map(({ model }) => model))];
  const of = (model: string, contender: string): Row | undefined =>
    rows.find((row) => row.model === model && row.contender === contender);
  const time = (row: Row | undefined): string =>
    row?.times === undefined ? (row?.refusal === undefined ? "–" : "cannot") : milliseconds(median(row.times));
  const contenders = ["eager", "lazy", "wasm", "wasm-alone", "cpu", "cpu-alone"];
  const times = table(
    ["ms per step", "eager", "lazy", "ours over wasm", "tfjs wasm alone", "ours over cpu", "tfjs cpu alone", "loss"],
    found.map((model) => [
      labels[model]!,
      ...contenders.map((name) => time(of(model, name))),
      rows.find((row) => row.model === model && row.loss !== undefined)?.loss?.toFixed(4) ?? "–",
    ]),
  );
  const ratios = table(
    [
      "ratio",
      "ours over wasm / wasm alone",
      "ours over cpu / cpu alone",
      "wasm alone / eager",
      "cpu alone / eager",
      "wasm alone / lazy",
      "cpu alone / lazy",
    ],
    found.map((model) => [
      labels[model]!,
      ratio(of(model, "wasm"), of(model, "wasm-alone")),
      ratio(of(model, "cpu"), of(model, "cpu-alone")),
      ratio(of(model, "wasm-alone"), of(model, "eager")),
      ratio(of(model, "cpu-alone"), of(model, "eager")),
      ratio(of(model, "wasm-alone"), of(model, "lazy")),
      ratio(of(model, "cpu-alone"), of(model, "lazy")),
    ]),
  );
  const refusals = rows
    .filter(({ refusal }) => refusal !== undefined)
    .map(({ model, contender, refusal }) => `- ${model}, ${contender}: ${refusal}`)
    .join("\n");
  const page = `${head(circumstances)}\n${times}\n\n${ratios}\n\n${refusals && `What could not run:\n\n${refusals}\n\n`}${foot}`;
  console.log(page);
  if (!circumstances.whole) return;
  const file = new URL("../../docs/measures/backends.md", import.meta.url);
  // What follows is written by hand.
  const kept = (await readFile(file, "utf8")).split(/^(?=## )/m).slice(1);
  await writeFile(file, [page, ...kept].join("\n"));
}

function head({ rounds, leastRounds, compared, cores }: Circumstances): string {
  const day = new Date().toISOString().slice(0, 10);
  const load = loadavg()[1]!.toFixed(1);
  return `# The same training step on every backend

    npm run backends -w bench

${day}, Node ${process.versions.node}, ${cores} cores, load average ${load} (a shared machine: read the ratios). One process, ${rounds}
interleaved rounds of one step of each (${leastRounds} or more for those that take longest); medians, and for ratios the median of the
per-round quotients with their quartiles. All contenders start from the same parameters and batch, and their losses over the
first ${compared[1]} steps (the slowest: ${compared[0]}) are equal (within 0.05 %, asserted); the second is shown. Ours is one source (bench/backends/models.ts, layers of @pullback/nn); native is code
for TensorFlow.js 4.22 alone (bench/backends/native.ts: fused kernels, its tape, its optimizers).
`;
}

const foot = `On the WebAssembly engine TensorFlow.js has no derivative of \`conv2d\` for its filter and none of \`gather\`, so that LeNet-5 cannot
be trained there, and the decoder alone does its lookups by products with one-hot rows; ours over it trains both as they are.
The goal for ours over an engine is at most 1.1 times the engine alone, and for eager at least 5 times faster than it.
`;
