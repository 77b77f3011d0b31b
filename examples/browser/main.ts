/**
 * The library in a browser: the conformance suite, the exactness of functions and a short training run on the backend that
 * the address names (?backend=eager, ?backend=tfjs:wasm, …). Of the suite all checks run, or with checks=operations the
 * first of each kind of each operation, or with checks=none none. ?work=threads does work for threads instead, and
 * ?work=capabilities&dtype=float32 finds out what the backend does in a dtype. Built with Vite and opened by the test
 * beside it and by bench/backends/capabilities.ts (see chromium.ts).
 */
import { valueWithGradient } from "@pullback/autodiff";
import { type DType, setSeed, tensor, useBackend } from "@pullback/core";
import { type Capability, capabilities, checksOf, loadAreas, runCheck } from "@pullback/core/conformance";
import { AdamW, Linear, meanSquaredError, Sequential, Tanh } from "@pullback/nn";
import { type Accuracy, accuracies } from "./accuracy.ts";
import { draws } from "./draws.ts";
import { threadsAtWork } from "./threads.ts";

/** What the test reads. */
export interface Outcome {
  /** Why the backend did not start; then nothing else was done. */
  readonly refused?: string;
  readonly device: string;
  readonly isolated: boolean;
  readonly checks: number;
  readonly failures: readonly string[];
  readonly losses: readonly number[];
  readonly accuracies: readonly Accuracy[];
  readonly draws: readonly number[];
}

/** What a backend does with each operation in one dtype, or why it did not start. */
export interface CapabilitiesOutcome {
  readonly refused?: string;
  readonly found: readonly (readonly [operation: string, capability: Capability])[];
}

/** How many checks have run, and which of them failed with what. */
async function conform(checks: string): Promise<{ checks: number; failures: string[] }> {
  const failures: string[] = [];
  const done = new Set<string>();
  let count = 0;
  for (const area of checks === "none" ? [] : await loadAreas(new URL("/tensor/", location.href)))
    for (const check of checksOf(area)) {
      const kind = `${check.op} ${check.kind}`;
      if (checks === "operations" && done.has(kind)) continue;
      done.add(kind);
      count++;
      await runCheck(check).catch((error: Error) => failures.push(`${area.name} ${check.id}: ${error.message}`));
    }
  return { checks: count, failures };
}

/** A small network learns the exclusive or; its losses. */
async function train(): Promise<number[]> {
  setSeed(1);
  const model = new Sequential(new Linear(2, 8), new Tanh(), new Linear(8, 1));
  const optimizer = new AdamW(model, { learningRate: 0.05 });
  const [inputs, wanted] = [
    tensor([
      [0, 0],
      [0, 1],
      [1, 0],
      [1, 1],
    ]),
    tensor([[0], [1], [1], [0]]),
  ];
  const losses: number[] = [];
  for (let step = 0; step < 100; step++) {
    const loss = (m: typeof model) => meanSquaredError(m.forward(inputs), wanted);
    const { value, gradient } = valueWithGradient(loss)(model);
    optimizer.update(model, gradient);
    losses.push((await value.data())[0]!);
  }
  return losses;
}

const query = new URLSearchParams(location.search);
const backend = query.get("backend") ?? "eager";

/** Starts the backend; why it did not start. */
const refusal = (): Promise<string | undefined> =>
  useBackend(backend, { wasmPaths: "/wasm/" }).then(
    () => undefined,
    (error: Error) => error.message,
  );

async function run(): Promise<Outcome> {
  const common = { isolated: crossOriginIsolated, checks: 0, failures: [], losses: [], accuracies: [], draws: [] };
  const refused = await refusal();
  if (refused !== undefined) return { ...common, device: tensor([0]).device, refused };
  const { device } = tensor([0]);
  return {
    ...common,
    device,
    ...(await conform(query.get("checks") ?? "all")),
    losses: await train(),
    accuracies: await accuracies(),
    draws: await draws(),
  };
}

async function capable(): Promise<CapabilitiesOutcome> {
  const refused = await refusal();
  if (refused !== undefined) return { refused, found: [] };
  const areas = await loadAreas(new URL("/tensor/", location.href));
  return { found: [...(await capabilities(areas, backend, (query.get("dtype") ?? "float32") as DType))] };
}

function show(text: string): void {
  document.getElementById("report")!.textContent = text;
}

const works: Readonly<Record<string, () => Promise<unknown>>> = { threads: threadsAtWork, capabilities: capable };
const outcome = (works[query.get("work") ?? ""] ?? run)();
(globalThis as { outcome?: Promise<unknown> }).outcome = outcome;
outcome.then(
  (done) => show(JSON.stringify(done, null, 2)),
  (error: Error) => show(String(error.stack)),
);
