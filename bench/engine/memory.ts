/**
 * Memory of a synchronous training loop (no await, tidy or dispose): resident bytes after the last step minus after
 * step 100, and after step 100 minus before the model, beside the engine's peak of live bytes.
 *
 *     node --import @pullback/compiler-plugin/register bench/engine/memory.ts [steps] [hidden]
 */
import { performance } from "node:perf_hooks";
import { valueWithGradient } from "@pullback/autodiff";
import { memoryStats, randn, type Tensor, tensor } from "@pullback/core";
import { AdamW, crossEntropy, Linear } from "@pullback/nn";

const [steps = 1000, hidden = 512, batch = 128] = process.argv.slice(2).map(Number);

class Classifier {
  constructor(
    readonly first = new Linear(784, hidden),
    readonly second = new Linear(hidden, hidden),
    readonly out = new Linear(hidden, 10),
  ) {}
  forward(x: Tensor) {
    return this.out.forward(this.second.forward(this.first.forward(x).relu()).relu());
  }
}

const mebibytes = (bytes: number) => `${(bytes / 2 ** 20).toFixed(1)} MiB`;
const resident = () => process.memoryUsage().rss;

const before = resident();
const model = new Classifier();
const optimizer = new AdamW(model, { learningRate: 1e-3 });
const images = randn([batch, 784]);
const labels = tensor(Int32Array.from({ length: batch }, (_, i) => i % 10));
const step = valueWithGradient((m: Classifier) => crossEntropy(m.forward(images), labels));
let at100 = 0;
let most = 0;
let loss = 0;
const start = performance.now();
for (let i = 1; i <= steps; i++) {
  const { value, gradient } = step(model);
  optimizer.update(model, gradient);
  if (i % 100 === 0) loss = value.item();
  if (i === 100) at100 = resident();
  if (i % 50 === 0) most = Math.max(most, resident());
}
const seconds = (performance.now() - start) / 1e3;
const { peakLive, live, arena, spills } = memoryStats();
console.log(`loss ${loss.toFixed(4)}, ${((seconds / steps) * 1e3).toFixed(2)} ms a step`);
console.log(`peak live ${mebibytes(peakLive)}, live ${mebibytes(live)}, arena ${mebibytes(arena)}, ${spills} spills`);
console.log(`after ${steps} steps minus after 100: ${mebibytes(resident() - at100)} (at most ${mebibytes(peakLive)})`);
console.log(`after 100 minus before the model: ${mebibytes(at100 - before)} (at most ${mebibytes(2 * peakLive)})`);
console.log(`most resident: ${mebibytes(most)}`);
