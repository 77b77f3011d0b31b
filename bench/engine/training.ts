/**
 * Training steps on the eager and the lazy backend, in interleaved rounds, and then of others: PyTorch where `python3` can
 * import it, TensorFlow.js and jax-js (Node 24) on request. Wall time and processor time (all threads) of a step, medians.
 *
 *     node packages/pullback/bin/pullback.js run bench/engine/training.ts [models] [--rounds 5] [--backends eager,lazy]
 *       [--peers PyTorch,jax-js,tfjs-wasm,tfjs-cpu] [--profile] [--shapes]
 *
 * models: mlp,lenet,resnet,decoder. `--profile` tells where the time goes; `--shapes` tells shapes apart.
 */
import { spawnSync } from "node:child_process";
import { performance } from "node:perf_hooks";
import { fileURLToPath } from "node:url";
import { useBackend } from "@pullback/core";
import { models, type Step } from "./models.ts";
import type { Times } from "./peers/times.ts";
import { clearProfile, processorTime, profile, startProfile } from "./profile.ts";

const given = process.argv.slice(2);
const flag = (name: string) => given.includes(`--${name}`);
const option = (name: string, otherwise: string) =>
  given.includes(`--${name}`) ? given[given.indexOf(`--${name}`) + 1]! : otherwise;
const names = (given[0]?.startsWith("--") === false ? given[0] : Object.keys(models).join(",")).split(",");
const unknown = names.filter((name) => !(name in models));
if (unknown.length > 0) {
  console.error(`There is no model ${unknown.join(", ")}; models: ${Object.keys(models).join(",")}.`);
  process.exit(1);
}
const rounds = Number(option("rounds", "5"));
const backends = option("backends", "eager,lazy").split(",");
const warmUp = 4;

const median = (samples: readonly number[]): number => [...samples].sort((a, b) => a - b)[samples.length >> 1]!;

interface Samples {
  readonly wall: number[];
  readonly processor: number[];
}

function measure(step: Step, samples: Samples): number {
  const used = processorTime();
  const start = performance.now();
  const loss = step();
  samples.wall.push(performance.now() - start);
  samples.processor.push(processorTime() - used);
  return loss;
}

/** Who else trains the models, each in a process of its own. */
const peers: Readonly<Record<string, (name: string) => readonly [command: string, ...args: string[]]>> = {
  PyTorch: (name) => ["python3", fileURLToPath(new URL("./peers/pytorch.py", import.meta.url)), name, String(rounds)],
  "jax-js": (name) => [process.execPath, ...hooks, "peers/jax.ts", name, String(rounds)],
  "tfjs-wasm": (name) => [process.execPath, ...hooks, "peers/tfjs.ts", name, "wasm", String(rounds)],
  "tfjs-cpu": (name) => [process.execPath, ...hooks, "peers/tfjs.ts", name, "cpu", String(rounds)],
};
const hooks = ["--import", "@pullback/compiler-plugin/register"];
const chosenPeers = option("peers", "PyTorch")
  .split(",")
  .filter((name) => name in peers);

/** What a peer takes, where it is installed and can run the model. */
function peer(peerName: string, name: string): Times | undefined {
  const [command, ...args] = peers[peerName]!(name);
  const cwd = fileURLToPath(new URL(".", import.meta.url));
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: "utf8", cwd });
  if (status === 0) return JSON.parse(stdout.trim().split("\n").at(-1)!) as Times;
  // Engines print lines of minified code before the one that says what is wrong.
  const lines = (stderr ?? "")
    .trim()
    .split("\n")
    .filter((line) => line.length < 300);
  const reason = lines.find((line) => /^\w*Error/.test(line)) ?? lines.at(-1);
  console.log(`${name}, ${peerName}: not measured (${reason?.trim() || `there is no ${command}`})`);
  return undefined;
}

if (flag("profile")) startProfile(flag("shapes"));
for (const name of names) {
  const steps: { backend: string; step: Step; samples: Samples; loss: number }[] = [];
  for (const backend of backends) {
    await useBackend(backend);
    steps.push({ backend, step: models[name]!(), samples: { wall: [], processor: [] }, loss: 0 });
  }
  for (const { backend, step } of steps) {
    await useBackend(backend);
    for (let i = 0; i < warmUp; i++) step();
    // The engine's workers report while this thread waits.
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  if (flag("profile"))
    for (const { backend, step } of steps) {
      await useBackend(backend);
      step();
      clearProfile();
      const used = processorTime();
      const start = performance.now();
      for (let i = 0; i < rounds; i++) step();
      const total = { processor: processorTime() - used, wall: performance.now() - start };
      const [processor, wall] = [total.processor, total.wall].map((time) => (time / rounds).toFixed(1));
      console.log(`${name}, ${backend}: ${processor} ms of processor time a step, wall ${wall} ms`);
      console.log(profile(total, rounds, 24));
    }
  else {
    for (let round = 0; round < rounds; round++)
      for (const entry of steps) {
        await useBackend(entry.backend);
        entry.loss = measure(entry.step, entry.samples);
      }
    const ours = steps.map(({ backend, samples, loss }) => {
      const [wall, processor] = [median(samples.wall), median(samples.processor)];
      console.log(
        `${name}, ${backend}: ${wall.toFixed(1)} ms, processor ${processor.toFixed(1)} ms, loss ${loss.toFixed(4)}`,
      );
      return { backend, wall, processor };
    });
    for (const peerName of chosenPeers) {
      const theirs = peer(peerName, name);
      if (theirs === undefined) continue;
      const ratios = ours.map(
        ({ backend, wall, processor }) =>
          `${backend} ${(wall / theirs.wall).toFixed(3)} × (processor ${(processor / theirs.processor).toFixed(3)} ×)`,
      );
      console.log(
        `${name}, ${peerName}: ${theirs.wall.toFixed(1)} ms, processor ${theirs.processor.toFixed(1)} ms; ${ratios.join(", ")}`,
      );
    }
  }
}
