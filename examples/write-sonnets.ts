/**
 * A character LSTM on Shakespeare's sonnets (after Karpathy 2015), which then writes some lines.
 *
 *     npx pullback run examples/write-sonnets.ts
 *     npx pullback run examples/write-sonnets.ts --steps 1000    longer, and better
 */
import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { randomKey, setSeed, type Tensor, tensor } from "@pullback/core";
import {
  Adam,
  cosineDecay,
  crossEntropy,
  DataLoader,
  Embedding,
  fit,
  Linear,
  LSTM,
  type LSTMState,
  lossCurve,
  TokenWindows,
} from "@pullback/nn";

const text = await readFile(new URL("data/sonnets.txt", import.meta.url), "utf8");
const characters = [...new Set(text)].sort();
const tokens = Int32Array.from(text, (character) => characters.indexOf(character));

class Writer {
  readonly embed: Embedding;
  readonly lstm: LSTM;
  readonly out: Linear;

  constructor(vocabulary: number, hidden: number) {
    this.embed = new Embedding(vocabulary, 32);
    this.lstm = new LSTM(32, hidden);
    this.out = new Linear(hidden, vocabulary);
  }

  /** Characters `[batch, sequence]` to the logits of the next ones, and the state to go on from. */
  forward(input: Tensor, state?: LSTMState): { logits: Tensor; state: LSTMState } {
    const { output, state: next } =
      state === undefined
        ? this.lstm.forward(this.embed.forward(input))
        : this.lstm.forward(this.embed.forward(input), state);
    return { logits: this.out.forward(output), state: next };
  }

  loss(window: Tensor): Tensor {
    return crossEntropy(this.forward(window.slice(undefined, [0, -1])).logits, window.slice(undefined, [1]));
  }
}

setSeed(2);
const { values: flags } = parseArgs({
  args: process.argv.slice(2),
  options: { steps: { type: "string", default: "250" } },
});
const steps = Number(flags.steps);
const model = new Writer(characters.length, 128);
const windows = new TokenWindows(tokens, { sequenceLength: 49, stride: 12 });
const { losses } = await fit(model, new DataLoader(windows, { batchSize: 32, shuffle: true, dropLast: true }), {
  loss: (m: Writer, window: Tensor) => m.loss(window),
  optimizer: new Adam(model, {
    learningRate: cosineDecay({ base: 1e-2, steps, minimum: 1e-3 }),
    clip: { globalNorm: 1 },
  }),
  maxSteps: steps,
  progress: { unit: "characters", count: (window) => window.size },
});
if (!process.stderr.isTTY) console.log(lossCurve(losses));

const key = randomKey(5);
let { logits, state } = model.forward(
  tensor([Array.from("Shall I", (c) => characters.indexOf(c))], { dtype: "int32" }),
);
let line = "Shall I";
for (let i = 0; i < 300; i++) {
  // Drawn from the softmax at temperature 0.6, by Gumbel's trick.
  const scores = logits.slice(0, -1).toArray() as number[];
  const drawn = scores.map(
    (score, j) => score / 0.6 - Math.log(-Math.log((key.foldIn(i * 100 + j).k0 + 0.5) / 2 ** 32)),
  );
  const next = drawn.indexOf(Math.max(...drawn));
  line += characters[next];
  ({ logits, state } = model.forward(tensor([[next]], { dtype: "int32" }), state));
}
console.log(`\n${line}`);
const last = losses.slice(-20).reduce((sum, loss) => sum + loss, 0) / 20;
console.log(
  `\nloss ${losses[0].toFixed(2)} -> ${last.toFixed(2)} nats per character (a guess: ${Math.log(characters.length).toFixed(2)})`,
);
if (steps >= 250 && !(last < 2.1)) throw new Error("the LSTM should have learned more than how often letters are used");
