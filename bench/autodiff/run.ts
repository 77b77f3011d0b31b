/**
 * Gradient against primal, hand-written reverse code and a closure tape, in one run:
 * `npm run autodiff -w bench`. Ratios are medians over interleaved rounds, with quartiles.
 */
import type { Kernel } from "./kernel.ts";
import { bSpline } from "./kernels/b-spline.ts";
import { loop } from "./kernels/loop.ts";
import { scalarExpression } from "./kernels/scalar-expression.ts";
import { measure } from "./measure.ts";

function agree(kernel: Kernel): void {
  const expected = kernel.handWritten(0);
  for (const [name, other] of [
    ["compiled", kernel.compiled(0)],
    ["tape", kernel.tape(0)],
  ] as const) {
    expected.forEach((value, i) => {
      if (!(Math.abs(value - other[i]) <= 1e-9 * Math.max(1, Math.abs(value))))
        throw new Error(`${kernel.name}: ${name} gives ${other[i]} at ${i}, hand-written ${value}`);
    });
  }
}

const cell = ([low, median, high]: readonly [number, number, number]) =>
  `${median.toFixed(2)} (${low.toFixed(2)}–${high.toFixed(2)})`;

console.log(`Node ${process.version}`);
console.log("| kernel | gradient µs | gradient / primal | gradient / hand-written | tape / gradient |");
console.log("| --- | --- | --- | --- | --- |");
for (const kernel of [scalarExpression, loop, bSpline]) {
  agree(kernel);
  const overPrimal = measure([
    { name: "primal", run: kernel.primal },
    { name: "compiled", run: kernel.compiled },
  ]);
  const overHand = measure([
    { name: "hand-written", run: kernel.handWritten },
    { name: "compiled", run: kernel.compiled },
  ]);
  const tape = measure([
    { name: "compiled", run: kernel.compiled },
    { name: "tape", run: kernel.tape },
  ]);
  console.log(
    `| ${kernel.name} | ${overPrimal[1].microseconds.toFixed(2)} | ${cell(overPrimal[1].ratio)} | ${cell(overHand[1].ratio)} | ${cell(tape[1].ratio)} |`,
  );
}
