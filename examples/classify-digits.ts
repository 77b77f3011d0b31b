/**
 * LeNet-5 (LeCun et al. 1998) on images of digits that are drawn here: seven-segment figures, shifted, slanted, thickened
 * and with noise. After the LeNet-MNIST example of swift-models.
 *
 *     npx pullback run examples/classify-digits.ts
 *     npx pullback run examples/classify-digits.ts --images 6000    longer, and better
 */
import { parseArgs } from "node:util";
import { randomKey, type Tensor, tensor } from "@pullback/core";
import {
  Accuracy,
  Adam,
  AvgPool2d,
  Conv2d,
  crossEntropy,
  DataLoader,
  evaluate,
  Flatten,
  fit,
  type Layer,
  Linear,
  lossCurve,
  summary,
} from "@pullback/nn";

const { values: flags } = parseArgs({
  args: process.argv.slice(2),
  options: { images: { type: "string", default: "2000" } },
});
const images = Number(flags.images);
const size = 28;

class LeNet implements Layer<Tensor, Tensor> {
  readonly conv1 = new Conv2d(1, 6, 5, { padding: 2, key: randomKey(1) });
  readonly pool1 = new AvgPool2d(2);
  readonly conv2 = new Conv2d(6, 16, 5, { key: randomKey(2) });
  readonly pool2 = new AvgPool2d(2);
  readonly flatten = new Flatten();
  readonly fc1 = new Linear(400, 120, { key: randomKey(3) });
  readonly fc2 = new Linear(120, 84, { key: randomKey(4) });
  readonly fc3 = new Linear(84, 10, { key: randomKey(5) });

  forward(images: Tensor): Tensor {
    let x = this.pool1.forward(this.conv1.forward(images).tanh());
    x = this.pool2.forward(this.conv2.forward(x).tanh());
    x = this.fc1.forward(this.flatten.forward(x)).tanh();
    return this.fc3.forward(this.fc2.forward(x).tanh());
  }
}

/** Which segments each digit lights: top, upper left, upper right, middle, lower left, lower right, bottom. */
const lit = [
  "1110111",
  "0010010",
  "1011101",
  "1011011",
  "0111010",
  "1101011",
  "1101111",
  "1010010",
  "1111111",
  "1111011",
];
const ends = [[-1, -2, 1, -2], [-1, -2, -1, 0], [1, -2, 1, 0], [-1, 0, 1, 0], [-1, 0, -1, 2], [1, 0, 1, 2], [-1, 2, 1, 2]]; // biome-ignore format: a table

/** Numbers in [-1, 1) that belong to one image. */
function* numbersOf(seed: number) {
  const key = randomKey(11).foldIn(seed);
  for (let i = 0; ; i++) yield key.foldIn(i).k0 / 2 ** 31 - 1;
}

function draw(seed: number): { image: Tensor; label: number } {
  const numbers = numbersOf(seed);
  const next = () => numbers.next().value as number;
  const label = Math.min(9, Math.floor(5 * (next() + 1)));
  const [scaleX, scaleY, slant, thickness] = [4.5 + next(), 4.2 + 0.7 * next(), 0.25 * next(), 1.2 + 0.4 * next()];
  const [shiftX, shiftY, turn] = [3 * next(), 2.5 * next(), 0.2 * next()];
  const segments = ends
    .filter((_, i) => lit[label][i] === "1")
    .map(([x0, y0, x1, y1]) =>
      [
        [x0, y0],
        [x1, y1],
      ].map(([x, y]) => {
        const [sx, sy] = [x * scaleX - slant * y * scaleY, y * scaleY];
        return [
          14 + shiftX + sx * Math.cos(turn) - sy * Math.sin(turn),
          14 + shiftY + sx * Math.sin(turn) + sy * Math.cos(turn),
        ];
      }),
    );
  const pixels = new Float32Array(size * size);
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      let nearest = Number.POSITIVE_INFINITY;
      for (const [[x0, y0], [x1, y1]] of segments) {
        const [dx, dy] = [x1 - x0, y1 - y0];
        const along = Math.min(1, Math.max(0, ((x - x0) * dx + (y - y0) * dy) / (dx * dx + dy * dy)));
        nearest = Math.min(nearest, Math.hypot(x - x0 - along * dx, y - y0 - along * dy));
      }
      const ink = Math.min(1, Math.max(0, thickness + 0.5 - nearest));
      pixels[y * size + x] = ink + 0.15 * next();
    }
  }
  return { image: tensor(pixels, { shape: [1, size, size] }), label };
}

const digits = (from: number, count: number) => Array.from({ length: count }, (_, i) => draw(from + i));
const training = new DataLoader(digits(0, images), { batchSize: 32, shuffle: true });
const testing = new DataLoader(digits(1_000_000, 500), { batchSize: 100 });

const model = new LeNet();
console.log(`${summary(model, [...testing.epoch(0)][0].image)}\n`);
type Batch = { image: Tensor; label: Tensor };
const { losses } = await fit(model, training, {
  loss: (m: LeNet, { image, label }: Batch) => crossEntropy(m.forward(image), label.cast("int32")),
  optimizer: new Adam(model, { learningRate: 2e-3 }),
  epochs: 3,
  progress: { unit: "images" },
});
if (!process.stderr.isTTY) console.log(lossCurve(losses));
const { accuracy } = await evaluate(model, testing, {
  measures: {
    predict: (m: LeNet, { image }: Batch) => m.forward(image),
    target: ({ label }: Batch) => label.cast("int32"),
    metrics: { accuracy: new Accuracy() },
  },
});
console.log(`\nloss ${losses[0].toFixed(2)} -> ${losses.at(-1)!.toFixed(2)}`);
console.log(`${(100 * accuracy).toFixed(1)} % of 500 new images right`);
if (images >= 2000 && !(accuracy > 0.95)) throw new Error("LeNet should be right on more than 95 %");
