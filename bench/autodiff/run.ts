/**
 * Gradient against primal, hand-written reverse code and a closure tape, in one run: `npm run autodiff -w bench`, or
 * with words to choose rows: `npm run autodiff -w bench -- loop array`. Ratios are medians over interleaved rounds,
 * with quartiles.
 */
import { agree, type Kernel } from "./kernel.ts";
import { array } from "./kernels/array.ts";
import { bSpline } from "./kernels/b-spline.ts";
import { calls } from "./kernels/calls.ts";
import { loop } from "./kernels/loop.ts";
import { lstm } from "./kernels/lstm.ts";
import { matrixProduct } from "./kernels/matrix-product.ts";
import { nBody } from "./kernels/n-body.ts";
import { scalarExpression } from "./kernels/scalar-expression.ts";
import { shallowWater } from "./kernels/shallow-water.ts";
import { measure } from "./measure.ts";

const rows: readonly Kernel[] = [
  scalarExpression,
  loop(10),
  loop(1000),
  loop(100_000),
  bSpline,
  matrixProduct,
  nBody,
  shallowWater,
  lstm,
  calls,
  ...[1000, 10_000, 100_000, 1_000_000].map(array),
];

const cell = ([low, median, high]: readonly [number, number, number]) =>
  `${median.toFixed(2)} (${low.toFixed(2)}–${high.toFixed(2)})`;

const words = process.argv.slice(2);
const chosen = rows.filter(({ name }) => words.length === 0 || words.some((word) => name.includes(word)));

console.log(`Node ${process.version}`);
console.log("| kernel | gradient µs | gradient / primal | gradient / hand-written | tape / gradient |");
console.log("| --- | --- | --- | --- | --- |");
for (const kernel of chosen) {
  agree(kernel);
  const gradient = { name: "gradient", run: kernel.compiled };
  const timings = measure([
    { name: "primal", run: kernel.primal },
    { name: "hand-written", run: kernel.handWritten },
    gradient,
  ]);
  // A tape leaves garbage to whoever runs next: of its rows only the gradient does.
  const beside = measure([gradient, { name: "tape", run: kernel.tape }]);
  const ratios = [
    timings.ratio("gradient", "primal"),
    timings.ratio("gradient", "hand-written"),
    beside.ratio("tape", "gradient"),
  ];
  const [, microseconds] = timings.microseconds("gradient");
  console.log(`| ${kernel.name} | ${microseconds.toFixed(2)} | ${ratios.map(cell).join(" | ")} |`);
}
