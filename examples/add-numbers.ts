/**
 * A small transformer learns to add numbers of two digits from examples written out as text: "47+85=231" stands for
 * 132, whose digits come in the order in which one carries, the last first. The loss counts on the answer alone, and the
 * test is on sums that it has not seen.
 *
 *     npx pullback run examples/add-numbers.ts
 */
import { parseArgs } from "node:util";
import { randomKey, setSeed, type Tensor, tensor } from "@pullback/core";
import {
  AdamW,
  crossEntropy,
  Embedding,
  fit,
  GELU,
  type Layer,
  LayerNorm,
  LearnedPositions,
  Linear,
  lossCurve,
  MultiHeadAttention,
  oneCycle,
  Sequential,
} from "@pullback/nn";

const symbols = "0123456789+=";
const length = 9; // "47+85=231"
const answerAt = 6;
const [dim, heads] = [64, 4];

class Block implements Layer<Tensor, Tensor> {
  readonly norm1 = new LayerNorm(dim);
  readonly attention = new MultiHeadAttention(dim, heads, { causal: true });
  readonly norm2 = new LayerNorm(dim);
  readonly feedForward = new Sequential(new Linear(dim, 4 * dim), new GELU("tanh"), new Linear(4 * dim, dim));

  forward(x: Tensor): Tensor {
    const attended = x.add(this.attention.forward(this.norm1.forward(x)));
    return attended.add(this.feedForward.forward(this.norm2.forward(attended)));
  }
}

class Adder implements Layer<Tensor, Tensor> {
  readonly embed = new Embedding(symbols.length, dim);
  readonly positions = new LearnedPositions(length, dim);
  readonly blocks = [new Block(), new Block()];
  readonly norm = new LayerNorm(dim);
  readonly out = new Linear(dim, symbols.length);

  /** Tokens `[batch, sequence]` to the logits of the next ones. */
  forward(tokens: Tensor): Tensor {
    let x = this.positions.forward(this.embed.forward(tokens));
    for (const block of this.blocks) x = block.forward(x);
    return this.out.forward(this.norm.forward(x));
  }

  /** Mean cross-entropy of the answer's digits. */
  loss(tokens: Tensor): Tensor {
    const logits = this.forward(tokens.slice(undefined, [0, -1])).slice(undefined, [answerAt - 1]);
    return crossEntropy(logits, tokens.slice(undefined, [answerAt]));
  }
}

const write = (a: number, b: number): number[] => {
  const answer = String(a + b).padStart(3, "0");
  const text = `${String(a).padStart(2, "0")}+${String(b).padStart(2, "0")}=${[...answer].reverse().join("")}`;
  return [...text].map((symbol) => symbols.indexOf(symbol));
};

// A tenth of all ten thousand sums is kept for the test.
const key = randomKey(3);
const sums = Array.from({ length: 10_000 }, (_, i) => ({
  a: Math.floor(i / 100),
  b: i % 100,
  test: key.foldIn(i).k0 % 10 === 0,
}));
const training = sums.filter(({ test }) => !test);
const testing = sums.filter(({ test }) => test);

const { values: flags } = parseArgs({
  args: process.argv.slice(2),
  options: { steps: { type: "string", default: "900" } },
});
const [steps, batchSize] = [Number(flags.steps), 64];
setSeed(1);
const model = new Adder();
const batches = Array.from({ length: steps }, (_, step) =>
  tensor(
    Array.from({ length: batchSize }, (_, i) => {
      const { a, b } = training[key.foldIn(20_000 + step * batchSize + i).k0 % training.length];
      return write(a, b);
    }),
    { dtype: "int32" },
  ),
);
const optimizer = new AdamW(model, {
  learningRate: oneCycle({ maximum: 4e-3, steps, warmupFraction: 0.1 }),
  beta2: 0.98,
  clip: { globalNorm: 1 },
});
const { losses } = await fit(model, batches, {
  loss: (m: Adder, tokens: Tensor) => m.loss(tokens),
  optimizer,
  progress: { unit: "sums" },
});
if (!process.stderr.isTTY) console.log(lossCurve(losses));

/** Writes the three digits one after another, each from the likeliest symbol. */
function answer(pairs: readonly { a: number; b: number }[]): number[] {
  let tokens = tensor(
    pairs.map(({ a, b }) => write(a, b).slice(0, answerAt)),
    { dtype: "int32" },
  );
  const digits: number[][] = [];
  while (tokens.shape[1] < length) {
    const next = model.forward(tokens).slice(undefined, -1).argmax(-1).toArray() as number[];
    digits.push(next);
    tokens = tensor(
      (tokens.toArray() as number[][]).map((row, i) => [...row, next[i]]),
      { dtype: "int32" },
    );
  }
  return pairs.map((_, i) => digits[0][i] + 10 * digits[1][i] + 100 * digits[2][i]);
}

const answers = answer(testing);
const right = testing.filter(({ a, b }, i) => answers[i] === a + b).length / testing.length;
console.log(`loss ${losses[0].toFixed(2)} -> ${losses.at(-1)!.toFixed(4)}\n`);
for (const i of [100, 350, 600, 850]) console.log(`${testing[i].a} + ${testing[i].b} = ${answers[i]}`);
console.log(`\n${(100 * right).toFixed(1)} % of ${testing.length} unseen sums right to the last digit`);
if (steps >= 900 && !(right > 0.95)) throw new Error("the transformer should have learned to carry");
