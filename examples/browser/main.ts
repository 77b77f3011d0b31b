/**
 * The library in a browser: the conformance suite and a short training run on the backend that the address names
 * (?backend=eager, ?backend=tfjs:wasm, …; every=20 runs each twentieth check only, every=0 none), or work for threads
 * (?work=threads). Built with Vite and opened by the
 * test beside it, which serves the table of cases under /tensor/ and the binaries of tfjs under /wasm/.
 */
import { valueWithGradient } from "@pullback/autodiff";
import { setSeed, tensor, useBackend } from "@pullback/core";
import { checksOf, loadAreas, runCheck } from "@pullback/core/conformance";
import { AdamW, Linear, meanSquaredError, Sequential, Tanh } from "@pullback/nn";
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
}

/** How many checks have run, and which of them failed with what. */
async function conform(every: number): Promise<{ checks: number; failures: string[] }> {
  const failures: string[] = [];
  let checks = 0;
  let position = 0;
  for (const area of await loadAreas(new URL("/tensor/", location.href)))
    for (const check of checksOf(area)) {
      if (position++ % every !== 0) continue;
      checks++;
      await runCheck(check).catch((error: Error) => failures.push(`${area.name} ${check.id}: ${error.message}`));
    }
  return { checks, failures };
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

async function run(): Promise<Outcome> {
  const query = new URLSearchParams(location.search);
  const common = { isolated: crossOriginIsolated, checks: 0, failures: [], losses: [] };
  try {
    await useBackend(query.get("backend") ?? "eager", { wasmPaths: "/wasm/" });
  } catch (error) {
    return { ...common, device: tensor([0]).device, refused: (error as Error).message };
  }
  const { device } = tensor([0]);
  return { ...common, device, ...(await conform(Number(query.get("every") ?? 1))), losses: await train() };
}

function show(text: string): void {
  document.getElementById("report")!.textContent = text;
}

const threads = new URLSearchParams(location.search).get("work") === "threads";
const outcome = threads ? threadsAtWork() : run();
(globalThis as { outcome?: Promise<unknown> }).outcome = outcome;
outcome.then(
  (done) => show(JSON.stringify(done, null, 2)),
  (error: Error) => show(String(error.stack)),
);
