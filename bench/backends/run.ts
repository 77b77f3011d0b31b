/**
 * The training steps of models.ts on every backend, beside TensorFlow.js by itself (native.ts) on the same engines, in
 * interleaved rounds. All start from the same parameters and must find the same losses. Writes docs/measures/backends.md.
 *
 *     npm run backends -w bench [-- models] [--rounds 7] [--contenders eager,wasm,wasm-alone] [--profile]
 *
 * models: mlp,lenet,decoder. `--profile` times the kernels of the engines and writes no document.
 */
import { cpus } from "node:os";
import { performance } from "node:perf_hooks";
import { useBackend } from "@pullback/core";
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-backend-wasm";
import { registerGradients } from "./gradients.ts";
import { profiled } from "./kernel-times.ts";
import * as models from "./models.ts";
import * as native from "./native.ts";
import { type Row, writeReport } from "./report.ts";

/** How a contender is called, and how it becomes the current one. */
interface Contender {
  readonly name: string;
  readonly enter: () => Promise<unknown>;
  readonly stepOf: (name: models.ModelName, start: models.Start) => models.Step;
  readonly engine?: "cpu" | "wasm";
}

const ours = (name: string, device: string, engine?: "cpu" | "wasm"): Contender => ({
  name,
  enter: () => useBackend(device),
  stepOf: models.stepOf,
  ...(engine && { engine }),
});
const alone = (engine: "cpu" | "wasm"): Contender => ({
  name: `${engine}-alone`,
  enter: () => tf.setBackend(engine),
  stepOf: native.stepOf,
  engine,
});
const contenders: readonly Contender[] = [
  ours("eager", "eager"),
  ours("lazy", "lazy"),
  ours("wasm", "tfjs:wasm", "wasm"),
  alone("wasm"),
  ours("cpu", "tfjs:cpu", "cpu"),
  alone("cpu"),
];

const given = process.argv.slice(2);
const option = (name: string, otherwise: string): string =>
  given.includes(`--${name}`) ? given[given.indexOf(`--${name}`) + 1]! : otherwise;
const names = (given[0]?.startsWith("--") === false ? given[0] : "mlp,lenet,decoder").split(",");
const rounds = Number(option("rounds", "7"));
const chosen = option("contenders", contenders.map(({ name }) => name).join(",")).split(",");
/**
 * Steps whose losses are compared, and rounds: all of them, unless a contender's steps of one kind have taken this long
 * (in ms) and there are enough. Slow contenders have the fewest rounds, and steps that vary the least.
 */
const patience = 15_000;
const [mostCompared, leastCompared] = [4, 2];
const leastRounds = 3;

await registerGradients();
const rows: Row[] = [];
for (const name of names as models.ModelName[]) {
  await useBackend("eager");
  const start = models.startOf(name);
  const running: { contender: Contender; step: models.Step; times: number[]; losses: number[]; spent: number }[] = [];
  for (const contender of contenders.filter((one) => chosen.includes(one.name))) {
    await contender.enter();
    const step = contender.stepOf(name, start);
    try {
      // The first steps, in which engines compile and caches fill, are those whose losses are compared.
      const losses: number[] = [];
      const before = performance.now();
      while (losses.length < mostCompared && (losses.length < leastCompared || performance.now() - before < patience))
        losses.push(step());
      running.push({ contender, step, times: [], losses, spent: 0 });
    } catch (error) {
      rows.push({ model: name, contender: contender.name, refusal: (error as Error).message.split("\n")[0]! });
    }
  }
  const [first] = running;
  for (const { contender, losses } of running)
    losses.forEach((loss, i) => {
      const wanted = first!.losses[i]!;
      if (!(Math.abs(loss - wanted) <= 5e-4 * wanted))
        throw new Error(`${name}, step ${i}: ${contender.name} finds ${loss}, ${first!.contender.name} ${wanted}`);
    });
  if (given.includes("--profile")) {
    for (const { contender, step } of running) {
      if (contender.engine === undefined) continue;
      await contender.enter();
      console.log(`${name}, ${contender.name}\n${profiled(contender.engine, step, rounds)}`);
    }
    continue;
  }
  for (let round = 0; round < rounds; round++)
    for (const entry of running) {
      if (round >= leastRounds && entry.spent > patience) continue;
      await entry.contender.enter();
      const before = performance.now();
      entry.step();
      entry.times.push(performance.now() - before);
      entry.spent += entry.times[round]!;
    }
  for (const { contender, times, losses } of running)
    rows.push({ model: name, contender: contender.name, times, loss: losses[leastCompared - 1]! });
}
if (!given.includes("--profile"))
  await writeReport(rows, {
    rounds,
    leastRounds,
    compared: [leastCompared, mostCompared],
    whole: given.length === 0 || given[0] === "--rounds",
    cores: cpus().length,
  });
