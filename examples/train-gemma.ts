/**
 * Trains a small Gemma 3 on Shakespeare's sonnets, one character at a time, and lets it write some lines of its own.
 *
 *     npm start                    about a minute on two cores
 *     npm start -- --steps 3000    longer, and better
 *     npm start -- --resume        goes on from where Ctrl-C stopped it
 *     npm start -- --backend lazy  or tfjs:wasm, tfjs:cpu … (docs/backends.md)
 */
import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { randomKey, useBackend } from "@pullback/core";
import { CharacterTokenizer, Gemma, gemma3Config, layerPattern } from "@pullback/models/gemma";
import { AdamW, DataLoader, fit, lossCurve, oneCycle, parameterCount, TokenWindows } from "@pullback/nn";

const { values: flags } = parseArgs({
  options: {
    steps: { type: "string", default: "240" },
    seed: { type: "string", default: "0" },
    out: { type: "string", default: "runs/train-gemma" },
    resume: { type: "boolean", default: false },
    backend: { type: "string", default: "eager" },
    help: { type: "boolean", short: "h", default: false },
  },
});
if (flags.help) {
  console.log("npm start -- [--steps 240] [--seed 0] [--out runs/train-gemma] [--resume] [--backend eager]");
  process.exit();
}
const [steps, seed] = [Number(flags.steps), Number(flags.seed)];
if (!(steps >= 1)) throw new RangeError(`--steps is ${flags.steps}, and must be a number from 1`);
await useBackend(flags.backend);

// Each sonnet is a text of its own: it begins with <bos> and ends with <eos>.
const text = await readFile(new URL("data/sonnets.txt", import.meta.url), "utf8");
const tokenizer = new CharacterTokenizer(text);
const sonnets = text.trimEnd().split("\n\n");
const tokens = sonnets.flatMap((sonnet) => [...tokenizer.encode(sonnet, { bos: true }), tokenizer.stopToken]);

// The architecture of the published sizes: five local layers to a global one, grouped heads, QK-norm, tied embedding.
const config = gemma3Config({
  vocabularySize: tokenizer.vocabularySize,
  hiddenSize: 96,
  feedForwardSize: 256,
  heads: 4,
  keyValueHeads: 2,
  headDim: 24,
  layers: layerPattern(6, 6),
  slidingWindow: 32,
  contextLength: 64,
});
const model = new Gemma(config, { key: randomKey(seed), tokenizer });
const windows = new TokenWindows(tokens, { sequenceLength: config.contextLength, stride: 8 });
const batches = new DataLoader(windows, { batchSize: 8, shuffle: true, seed, dropLast: true });
const learningRate = oneCycle({ maximum: 6e-3, steps, warmupFraction: 0.05 });
const optimizer = new AdamW(model, { learningRate, beta2: 0.99, weightDecay: 0.1, clip: { globalNorm: 1 } });

console.log(`Gemma 3: ${config.layers.length} layers, ${parameterCount(model).toLocaleString("en")} parameters`);
console.log(`Text: ${sonnets.length} sonnets, ${tokens.length.toLocaleString("en")} characters`);
console.log(`Training: ${steps} steps of 8 × ${config.contextLength} characters; Ctrl-C stops and saves\n`);

const interrupt = new AbortController();
process.once("SIGINT", () => interrupt.abort());
try {
  const { losses } = await fit(model, batches, {
    loss: (gemma: Gemma, batch) => gemma.loss(batch),
    optimizer,
    maxSteps: steps,
    signal: interrupt.signal,
    checkpoint: { folder: flags.out, resume: flags.resume },
    progress: { unit: "tokens", count: (batch) => batch.size },
  });
  if (!process.stderr.isTTY) console.log(lossCurve(losses));
  console.log(`\nSaved in ${flags.out}. And now it writes:\n`);
  process.stdout.write("Shall I");
  const writing = { maxTokens: 400, temperature: 0.7, seed, signal: interrupt.signal };
  for await (const piece of model.generate("Shall I", writing)) process.stdout.write(piece.text);
  console.log();
} catch (error) {
  if ((error as Error).name !== "AbortError") throw error;
  const given = process.argv.slice(2).filter((argument) => argument !== "--resume");
  console.log(`\nStopped; saved in ${flags.out}. Go on with: ${["npm start --", ...given, "--resume"].join(" ")}`);
}
