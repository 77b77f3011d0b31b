/**
 * A vector times a matrix (decoding one token): memory-bound, so nothing is packed and B is read once.
 * `columns` takes a matrix whose rows are contiguous, `dots` one whose columns are.
 */
import { f32, f32x4, i32, loopTo, ModuleBuilder, sequence, v128, when } from "../wasm/index.ts";

/** Vectors of results that `columns` keeps in registers. */
const strip = 8;

export interface MatvecFunctions {
  /** (x, b, rowBytes, depth, columns, y, accumulate): y += x · B, B [depth, columns]. */
  readonly columns: (...values: number[]) => void;
  /** (x, b, columnBytes, depth, columns, y, accumulate): y += x · Bᵀ, B [columns, depth]. */
  readonly dots: (...values: number[]) => void;
}

export function matvecModule(): ModuleBuilder {
  const module = new ModuleBuilder();
  columnsFunction(module);
  dotsFunction(module);
  return module;
}

function columnsFunction(module: ModuleBuilder): void {
  const f = module.function("columns", ["i32", "i32", "i32", "i32", "i32", "i32", "i32"]);
  const [x, b, rowBytes, depth, columns, y, accumulate] = f.parameters;
  const j = f.local("i32");
  const end = f.local("i32");
  const k = f.local("i32");
  const kEnd = f.local("i32");
  const row = f.local("i32");
  const scale = f.local("v128");
  const sums = Array.from({ length: strip }, () => f.local("v128"));

  const pass = (vectors: number) => {
    const used = sums.slice(0, vectors);
    return sequence(
      ...used.map((sum) => sum.set(f32x4.const(0))),
      when(accumulate, sequence(...used.map((sum, v) => sum.set(v128.load(i32.add(y, j), v * 16))))),
      row.set(i32.add(b, j)),
      k.set(x),
      loopTo(
        k,
        kEnd,
        4,
        sequence(
          scale.set(v128.load32Splat(k)),
          ...used.map((sum, v) => sum.set(f32x4.add(sum, f32x4.mul(scale, v128.load(row, v * 16))))),
          row.set(i32.add(row, rowBytes)),
        ),
      ),
      ...used.map((sum, v) => v128.store(i32.add(y, j), sum, v * 16)),
    );
  };
  // The last vector may reach beyond the row: what it reads there is never used, what it writes lands in slack.
  f.code(
    kEnd.set(i32.add(x, i32.mul(depth, i32.const(4)))),
    end.set(i32.sub(i32.mul(columns, i32.const(4)), i32.const(strip * 16 - 1))),
    j.set(i32.const(0)),
    loopTo(j, end, strip * 16, pass(strip)),
    end.set(i32.mul(columns, i32.const(4))),
    loopTo(j, end, 16, pass(1)),
  );
}

function dotsFunction(module: ModuleBuilder): void {
  const f = module.function("dots", ["i32", "i32", "i32", "i32", "i32", "i32", "i32"]);
  const [x, b, columnBytes, depth, columns, y, accumulate] = f.parameters;
  const j = f.local("i32");
  const k = f.local("i32");
  const whole = f.local("i32");
  const bytes = f.local("i32");
  const column = f.local("i32");
  const end = f.local("i32");
  const left = f.local("v128");
  const total = f.local("f32");
  const sums = Array.from({ length: 8 }, () => f.local("v128"));

  const pass = (count: number) => {
    const used = sums.slice(0, count * 2);
    const at = (c: number) => i32.add(i32.add(column, i32.mul(columnBytes, i32.const(c))), k);
    return sequence(
      ...used.map((sum) => sum.set(f32x4.const(0))),
      k.set(i32.const(0)),
      loopTo(
        k,
        whole,
        32,
        sequence(
          ...[0, 1].flatMap((half) => [
            left.set(v128.load(i32.add(x, k), half * 16)),
            ...Array.from({ length: count }, (_, c) => {
              const sum = used[c * 2 + half];
              return sum.set(f32x4.add(sum, f32x4.mul(left, v128.load(at(c), half * 16))));
            }),
          ]),
        ),
      ),
      ...Array.from({ length: count }, (_, c) => {
        const sum = used[c * 2];
        return sequence(
          sum.set(f32x4.add(sum, used[c * 2 + 1])),
          total.set(
            f32.add(f32.add(f32x4.lane(sum, 0), f32x4.lane(sum, 1)), f32.add(f32x4.lane(sum, 2), f32x4.lane(sum, 3))),
          ),
          k.set(whole),
          loopTo(k, bytes, 4, total.set(f32.add(total, f32.mul(f32.load(i32.add(x, k)), f32.load(at(c)))))),
          when(accumulate, total.set(f32.add(total, f32.load(y, c * 4)))),
          f32.store(y, total, c * 4),
        );
      }),
      y.set(i32.add(y, i32.const(count * 4))),
      column.set(i32.add(column, i32.mul(columnBytes, i32.const(count)))),
    );
  };
  f.code(
    bytes.set(i32.mul(depth, i32.const(4))),
    whole.set(i32.and(bytes, i32.const(~31))),
    column.set(b),
    j.set(i32.const(0)),
    end.set(i32.sub(columns, i32.const(3))),
    loopTo(j, end, 4, pass(4)),
    loopTo(j, columns, 1, pass(1)),
  );
}
