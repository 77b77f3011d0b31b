/** Sums, maxima and minima of float32 along rows and along columns. Sums run in double precision; NaN wins extrema. */
import {
  type Expression,
  f32,
  f32x4,
  i32,
  type Local,
  loopTo,
  ModuleBuilder,
  type Statement,
  sequence,
  v128,
} from "../wasm/index.ts";
import { DoubleSum, foldLanes, masked, overRows, overVectors } from "./rows.ts";

export type Reduction = "sum" | "max" | "min";

const extrema = {
  max: { fold: f32x4.max, identity: -Infinity },
  min: { fold: f32x4.min, identity: Infinity },
};

/**
 * `rows(x, to, rows, rowBytes)`: one result per row. `columns(x, to, rows, bytes, rowStride)`: one result per column, a row
 * of them at `to`; rows of so many bytes begin a stride apart.
 */
export function reductionModule(op: Reduction): ModuleBuilder {
  const module = new ModuleBuilder();
  if (op === "sum") {
    sumRows(module);
    sumColumns(module);
  } else {
    extremumRows(module, extrema[op].fold, extrema[op].identity);
    extremumColumns(module, extrema[op].fold, extrema[op].identity);
  }
  return module;
}

function sumRows(module: ModuleBuilder): void {
  const f = module.function("rows", ["i32", "i32", "i32", "i32"]);
  const [x, to, rows, rowBytes] = f.parameters;
  const sum = new DoubleSum(f);
  const lanes = f.local("v128");
  const body = sequence(
    sum.clear(),
    overVectors(f, rowBytes, (at, inside) =>
      sequence(lanes.set(masked(v128.load(i32.add(x, at)), inside)), sum.add(lanes)),
    ),
    f32.store(to, f32.fromF64(sum.total())),
    to.set(i32.add(to, i32.const(4))),
  );
  f.code(overRows(f, rows, [x], rowBytes, body));
}

function extremumRows(
  module: ModuleBuilder,
  fold: (a: Expression, b: Expression) => Expression,
  identity: number,
): void {
  const f = module.function("rows", ["i32", "i32", "i32", "i32"]);
  const [x, to, rows, rowBytes] = f.parameters;
  const best = f.local("v128");
  const body = sequence(
    best.set(f32x4.const(identity)),
    overVectors(f, rowBytes, (at, inside) => best.set(fold(best, masked(v128.load(i32.add(x, at)), inside, identity)))),
    foldLanes(best, fold),
    f32.store(to, f32x4.lane(best, 0)),
    to.set(i32.add(to, i32.const(4))),
  );
  f.code(overRows(f, rows, [x], rowBytes, body));
}

/** Strips of eight columns from top to bottom, then of four; what a last strip reads and writes too much is slack. */
function overStrips(
  module: ModuleBuilder,
  strip: (f: ReturnType<ModuleBuilder["function"]>, vectors: number) => Strip,
): void {
  const f = module.function("columns", ["i32", "i32", "i32", "i32", "i32"]);
  const [x, to, rows, bytes, rowStride] = f.parameters;
  const at = f.local("i32");
  const end = f.local("i32");
  const row = f.local("i32");
  const from = f.local("i32");
  const pass = (vectors: number) => {
    const { begin, step, result } = strip(f, vectors);
    return sequence(
      begin,
      from.set(i32.add(x, at)),
      row.set(i32.const(0)),
      loopTo(row, rows, 1, sequence(step(from), from.set(i32.add(from, rowStride)))),
      ...result.map((value, v) => v128.store(i32.add(to, at), value, v * 16)),
    );
  };
  f.code(
    at.set(i32.const(0)),
    end.set(i32.sub(bytes, i32.const(31))),
    loopTo(at, end, 32, pass(2)),
    loopTo(at, bytes, 16, pass(1)),
  );
}

interface Strip {
  readonly begin: Statement;
  readonly step: (from: Local) => Statement;
  readonly result: Expression[];
}

function sumColumns(module: ModuleBuilder): void {
  overStrips(module, (f, vectors) => {
    const sums = Array.from({ length: vectors }, () => new DoubleSum(f));
    const lanes = f.local("v128");
    return {
      begin: sequence(...sums.map((sum) => sum.clear())),
      step: (from) => sequence(...sums.map((sum, v) => sequence(lanes.set(v128.load(from, v * 16)), sum.add(lanes)))),
      result: sums.map((sum) => sum.lanes()),
    };
  });
}

function extremumColumns(
  module: ModuleBuilder,
  fold: (a: Expression, b: Expression) => Expression,
  identity: number,
): void {
  overStrips(module, (f, vectors) => {
    const best = Array.from({ length: vectors }, () => f.local("v128"));
    return {
      begin: sequence(...best.map((lanes) => lanes.set(f32x4.const(identity)))),
      step: (from) => sequence(...best.map((lanes, v) => lanes.set(fold(lanes, v128.load(from, v * 16))))),
      result: best,
    };
  });
}
