/**
 * A variational autoencoder (Kingma and Welling 2014) of small pictures: discs, squares and crosses of any size and
 * place. It learns two numbers per picture, and then draws new pictures from any two.
 *
 *     npx pullback run examples/generate-shapes.ts
 *     npx pullback run examples/generate-shapes.ts --steps 3000    longer, and sharper
 */
import { parseArgs } from "node:util";
import { randn, randomKey, setSeed, type Tensor, tensor } from "@pullback/core";
import { Adam, DataLoader, fit, Linear, lossCurve, sigmoidCrossEntropy } from "@pullback/nn";

const size = 14;
const latent = 4;

class Autoencoder {
  readonly encode1 = new Linear(size * size, 128);
  readonly encode2 = new Linear(128, 2 * latent);
  readonly decode1 = new Linear(latent, 128);
  readonly decode2 = new Linear(128, size * size);

  /** Pictures `[batch, pixels]` to mean and log-variance of their codes. */
  encode(pictures: Tensor): { mean: Tensor; logVariance: Tensor } {
    const [mean, logVariance] = this.encode2.forward(this.encode1.forward(pictures).relu()).split(2, -1);
    return { mean, logVariance };
  }

  /** Codes `[batch, latent]` to the logits of the pixels. */
  decode(codes: Tensor): Tensor {
    return this.decode2.forward(this.decode1.forward(codes).relu());
  }

  /** The negative evidence lower bound per picture, equation 10: a code is drawn as mean + deviation · noise. */
  loss(pictures: Tensor): Tensor {
    const { mean, logVariance } = this.encode(pictures);
    const codes = mean.add(logVariance.mul(0.5).exp().mul(randn(mean.shape)));
    const reconstruction = sigmoidCrossEntropy(this.decode(codes), pictures, { reduction: "sum" });
    const divergence = mean.square().add(logVariance.exp()).sub(logVariance).sub(1).sum().mul(0.5);
    return reconstruction.add(divergence).div(pictures.shape[0]);
  }
}

const key = randomKey(4);
function picture(i: number): Float32Array {
  const [a, b, c, d] = [0, 1, 2, 3].map((j) => key.foldIn(4 * i + j).k0 / 2 ** 32);
  const [x, y, radius, kind] = [4 + 6 * a, 4 + 6 * b, 2 + 2 * c, Math.floor(3 * d)];
  return Float32Array.from({ length: size * size }, (_, at) => {
    const [dx, dy] = [Math.abs((at % size) - x), Math.abs(Math.floor(at / size) - y)];
    const inside = [
      Math.hypot(dx, dy) < radius,
      Math.max(dx, dy) < radius * 0.9,
      Math.min(dx, dy) < 1 && Math.max(dx, dy) < radius,
    ];
    return inside[kind] ? 1 : 0;
  });
}

const { values: flags } = parseArgs({
  args: process.argv.slice(2),
  options: { steps: { type: "string", default: "564" } },
});
const steps = Number(flags.steps);
setSeed(3);
const model = new Autoencoder();
const pictures = Array.from({ length: 3000 }, (_, i) => picture(i));
const { losses } = await fit(model, new DataLoader(pictures, { batchSize: 64, shuffle: true }), {
  loss: (m: Autoencoder, batch: Tensor) => m.loss(batch),
  optimizer: new Adam(model, { learningRate: 2e-3 }),
  maxSteps: steps,
  progress: { unit: "pictures" },
});
if (!process.stderr.isTTY) console.log(lossCurve(losses));

const side = 4;
const along = Array.from({ length: side }, (_, i) => -1.5 + (3 * i) / (side - 1));
const codes = tensor(along.flatMap((u) => along.map((v) => [u, v, ...new Array<number>(latent - 2).fill(0)])));
const drawn = model.decode(codes).sigmoid().toArray() as number[][];
const shades = " .:-=+*#%@";
console.log("\npictures along two of the numbers:");
for (let row = 0; row < side * size; row++) {
  const columns = Array.from({ length: side * size }, (_, column) => {
    const pixels = drawn[Math.floor(row / size) * side + Math.floor(column / size)];
    return shades[Math.round(pixels[(row % size) * size + (column % size)] * (shades.length - 1))];
  });
  console.log(columns.join(""));
}
const last = losses.slice(-20).reduce((sum, loss) => sum + loss, 0) / 20;
console.log(`\nbound ${losses[0].toFixed(1)} -> ${last.toFixed(1)} nats per picture of ${size * size} pixels`);
if (steps >= 564 && !(last < losses[0] / 2.5)) throw new Error("the bound should have fallen much further");
