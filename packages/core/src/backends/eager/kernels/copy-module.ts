/** Copies of 32-bit elements: rows that run with any stride, and transposes in 4 × 4 squares. */
import { i32, loopTo, ModuleBuilder, sequence, v128, when } from "../wasm/index.ts";
import { transpose4 } from "./lanes.ts";

/**
 * `rows(from, to, rows, columns, fromRowStride, fromColumnStride, toRowStride)`: strides in bytes, columns of `to`
 * adjacent. `transposed`, the same where the columns of `from` are far apart and its rows adjacent (fromRowStride is 4).
 */
export function copyModule(): ModuleBuilder {
  const module = new ModuleBuilder();
  rowsFunction(module);
  transposedFunction(module);
  return module;
}

function rowsFunction(module: ModuleBuilder): void {
  const f = module.function("rows", ["i32", "i32", "i32", "i32", "i32", "i32", "i32"]);
  const [from, to, rows, columns, rowStride, columnStride, toStride] = f.parameters;
  const row = f.local("i32");
  const i = f.local("i32");
  const source = f.local("i32");
  const target = f.local("i32");
  const end = f.local("i32");
  f.code(
    end.set(i32.sub(columns, i32.const(3))),
    row.set(i32.const(0)),
    loopTo(
      row,
      rows,
      1,
      sequence(
        source.set(from),
        target.set(to),
        i.set(i32.const(0)),
        when(
          i32.eq(columnStride, i32.const(4)),
          loopTo(
            i,
            end,
            4,
            sequence(
              v128.store(target, v128.load(source)),
              source.set(i32.add(source, i32.const(16))),
              target.set(i32.add(target, i32.const(16))),
            ),
          ),
        ),
        loopTo(
          i,
          columns,
          1,
          sequence(
            i32.store(target, i32.load(source)),
            source.set(i32.add(source, columnStride)),
            target.set(i32.add(target, i32.const(4))),
          ),
        ),
        from.set(i32.add(from, rowStride)),
        to.set(i32.add(to, toStride)),
      ),
    ),
  );
}

function transposedFunction(module: ModuleBuilder): void {
  const f = module.function("transposed", ["i32", "i32", "i32", "i32", "i32", "i32", "i32"]);
  const [from, to, rows, columns, rowStride, columnStride, toStride] = f.parameters;
  const row = f.local("i32");
  const column = f.local("i32");
  const wholeRows = f.local("i32");
  const wholeColumns = f.local("i32");
  const source = f.local("i32");
  const target = f.local("i32");
  const lanes = Array.from({ length: 4 }, () => f.local("v128"));
  const element = (r: typeof row, c: typeof column) =>
    i32.store(
      i32.add(to, i32.add(i32.mul(r, toStride), i32.mul(c, i32.const(4)))),
      i32.load(i32.add(from, i32.add(i32.mul(r, rowStride), i32.mul(c, columnStride)))),
    );
  const times = (stride: typeof rowStride, count: number) => i32.mul(stride, i32.const(count));
  // Four columns of the source at a time, from top to bottom: it is read along memory, written in strips of 16 bytes.
  f.code(
    wholeRows.set(i32.and(rows, i32.const(~3))),
    wholeColumns.set(i32.and(columns, i32.const(~3))),
    column.set(i32.const(0)),
    loopTo(
      column,
      wholeColumns,
      4,
      sequence(
        source.set(i32.add(from, i32.mul(column, columnStride))),
        target.set(i32.add(to, i32.mul(column, i32.const(4)))),
        row.set(i32.const(0)),
        loopTo(
          row,
          wholeRows,
          4,
          sequence(
            ...lanes.map((lane, j) => lane.set(v128.load(i32.add(source, times(columnStride, j))))),
            ...transpose4(lanes).map((out, i) => v128.store(i32.add(target, times(toStride, i)), out)),
            source.set(i32.add(source, i32.const(16))),
            target.set(i32.add(target, times(toStride, 4))),
          ),
        ),
        loopTo(row, rows, 1, sequence(wholeFour(column, (c) => element(row, c)))),
      ),
    ),
    loopTo(column, columns, 1, sequence(row.set(i32.const(0)), loopTo(row, rows, 1, element(row, column)))),
  );

  /** The elements at columns c … c + 3, leaving c as it was. */
  function wholeFour(c: typeof column, body: (c: typeof column) => readonly number[]) {
    const step = c.set(i32.add(c, i32.const(1)));
    return sequence(body(c), step, body(c), step, body(c), step, body(c), c.set(i32.sub(c, i32.const(3))));
  }
}
