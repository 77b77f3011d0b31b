/**
 * The lazy backend beside the eager one, in one process: a chain of ten elementwise operations on 10^6 elements against
 * one memory pass (a copy), and steps of the Gemma of examples/train-gemma.ts with their losses.
 *
 *     node packages/pullback/bin/pullback.js run bench/engine/lazy.ts [steps]
 */
import { performance } from "node:perf_hooks";
import { valueWithGradient } from "@pullback/autodiff";
import { memoryStats, randomKey, type Tensor, tensor, useBackend } from "@pullback/core";
import { Gemma, gemma3Config, layerPattern } from "@pullback/models/gemma";
import { AdamW } from "@pullback/nn";

const median = (samples: number[]): number => samples.sort((a, b) => a - b)[samples.length >> 1]!;

function timed(rounds: number, work: () => void): number {
  for (let i = 0; i < 5; i++) work();
  return median(
    Array.from({ length: rounds }, () => {
      const start = performance.now();
      work();
      return performance.now() - start;
    }),
  );
}

/** Runs what is recorded and waits for it, reading one element. */
const observe = (x: Tensor): void => void x.slice(0).item();

async function chain(): Promise<void> {
  const size = 1_000_000;
  const data = new Float32Array(size).fill(0.5);
  const target = new Float32Array(size);
  const ten = (x: Tensor, y: Tensor): Tensor =>
    x.mul(2).add(y).sub(0.5).mul(y).maximum(x).neg().add(3).mul(0.25).sub(y).abs();
  const pass = timed(101, () => target.set(data));
  console.log(`one memory pass over 10^6 float32 (a copy): ${pass.toFixed(3)} ms`);
  for (const backend of ["eager", "lazy"]) {
    await useBackend(backend);
    const [x, y] = [tensor(data), tensor(data)];
    const time = timed(51, () => observe(ten(x, y)));
    console.log(`chain of ten, ${backend}: ${time.toFixed(3)} ms, ${(time / pass).toFixed(2)} passes`);
  }
}

async function train(steps: number): Promise<void> {
  const all: number[][] = [];
  for (const backend of ["eager", "lazy"]) {
    await useBackend(backend);
    const config = gemma3Config({
      vocabularySize: 80,
      hiddenSize: 96,
      feedForwardSize: 256,
      heads: 4,
      keyValueHeads: 2,
      headDim: 24,
      layers: layerPattern(6, 6),
      slidingWindow: 32,
      contextLength: 64,
    });
    const model = new Gemma(config, { key: randomKey(0) });
    const optimizer = new AdamW(model, { learningRate: (step) => 1e-3 / (1 + step / 100), clip: { globalNorm: 1 } });
    const losses: number[] = [];
    const times: number[] = [];
    for (let step = 0; step < steps; step++) {
      const tokens = tensor(
        Int32Array.from({ length: 8 * 64 }, (_, i) => (i * i + step) % 80),
        { shape: [8, 64] },
      );
      const start = performance.now();
      const { value, gradient } = valueWithGradient((m: Gemma, batch: Tensor) => m.loss(batch), { wrt: 0 })(
        model,
        tokens,
      );
      optimizer.update(model, gradient);
      losses.push(value.item());
      times.push(performance.now() - start);
    }
    all.push(losses);
    const first = times.slice(0, 3).map((time) => time.toFixed(0));
    console.log(`Gemma step, ${backend}: first ${first} ms, median ${median(times.slice(3)).toFixed(1)} ms`);
    console.log(`  losses ${losses.slice(-3).map((loss) => loss.toFixed(5))}`, memoryStats(backend));
  }
  const worst = Math.max(...all[0]!.map((loss, i) => Math.abs(loss - all[1]![i]!) / loss));
  console.log(`largest relative difference of losses: ${worst.toExponential(1)}`);
}

await chain();
await train(Number(process.argv[2] ?? 24));
