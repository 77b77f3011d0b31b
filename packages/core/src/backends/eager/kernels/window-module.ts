/** The positions of maxima in pooling windows of float32 planes. */
import { f32, f32x4, i32, i32x4, type Local, loopTo, ModuleBuilder, sequence, v128 } from "../wasm/index.ts";

/**
 * `argmax(x, to, planes, planeBytes, rows, rowCount, cells, cellCount, step)`: for each plane, each row of cells, and each
 * cell of it the position of the first maximum in the plane, or of the first NaN. A row of cells is a count of element
 * rows, then their first elements' positions; a cell is its first position in a row and how many it has, `step` apart.
 */
export function windowModule(): ModuleBuilder {
  const module = new ModuleBuilder();
  anyFunction(module);
  pairsFunction(module);
  return module;
}

/**
 * `argmaxPairs(x, to, planes, planeBytes, rows, rowCount, first, cellCount, taps)`: the same where cells begin two
 * positions apart, `first` the first of them, and have `taps` neighbouring positions in a row; four cells at a time, so
 * there are four at least.
 */
function pairsFunction(module: ModuleBuilder): void {
  const f = module.function("argmaxPairs", new Array(9).fill("i32"));
  const [x, to, planes, planeBytes, rows, rowCount, first, cellCount, taps] = f.parameters as Local[];
  const names = ["plane", "row", "words", "lines", "cell", "line", "at", "end", "address"];
  const [plane, row, words, lines, cell, line, at, end, address] = names.map(() => f.local("i32")) as Local[];
  const [most, best, value, position, isTaken] = Array.from({ length: 5 }, () => f.local("v128")) as Local[];
  const evens = [0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27];
  const steps = i32x4.const(0, 2, 4, 6);
  const read = sequence(
    address.set(i32.add(x, i32.shl(at, i32.const(2)))),
    value.set(v128.shuffle(v128.load(address), v128.load(address, 16), evens)),
    position.set(i32x4.add(i32x4.splat(at), steps)),
  );
  const visit = sequence(
    read,
    isTaken.set(v128.andnot(f32x4.eq(most, most), f32x4.le(value, most))),
    best.set(v128.select(isTaken, position, best)),
    most.set(v128.select(isTaken, value, most)),
  );
  const offset = i32.add(first, i32.shl(cell, i32.const(1)));
  const fourCells = sequence(
    // The last four may overlap those before.
    cell.set(i32.select(i32.gt(cell, i32.sub(cellCount, i32.const(4))), i32.sub(cellCount, i32.const(4)), cell)),
    at.set(i32.add(i32.load(words, 4), offset)),
    read,
    most.set(value),
    best.set(position),
    line.set(i32.add(words, i32.const(4))),
    lines.set(i32.add(line, i32.shl(i32.load(words), i32.const(2)))),
    loopTo(
      line,
      lines,
      4,
      sequence(at.set(i32.add(i32.load(line), offset)), end.set(i32.add(at, taps)), loopTo(at, end, 1, visit)),
    ),
    v128.store(i32.add(to, i32.shl(cell, i32.const(2))), best),
  );
  const perRow = sequence(
    cell.set(i32.const(0)),
    loopTo(cell, cellCount, 4, fourCells),
    to.set(i32.add(to, i32.shl(cellCount, i32.const(2)))),
    words.set(i32.add(words, i32.shl(i32.add(i32.load(words), i32.const(1)), i32.const(2)))),
  );
  f.code(
    plane.set(i32.const(0)),
    loopTo(
      plane,
      planes,
      1,
      sequence(words.set(rows), row.set(i32.const(0)), loopTo(row, rowCount, 1, perRow), x.set(i32.add(x, planeBytes))),
    ),
  );
}

function anyFunction(module: ModuleBuilder): void {
  const f = module.function("argmax", new Array(9).fill("i32"));
  const [x, to, planes, planeBytes, rows, rowCount, cells, cellCount, step] = f.parameters as Local[];
  const names = ["plane", "row", "words", "lines", "cell", "word", "line", "at", "end", "best"];
  const [plane, row, words, lines, cell, word, line, at, end, best] = names.map(() => f.local("i32")) as Local[];
  const most = f.local("f32");
  const value = f.local("f32");
  const element = (position: Local) => f32.load(i32.add(x, i32.shl(position, i32.const(2))));
  const bump = (pointer: Local, by: number) => pointer.set(i32.add(pointer, i32.const(by)));
  // Not `value > most`, which a NaN would never be; once there is a NaN nothing replaces it.
  const isBetter = i32.and(i32.eqz(f32.le(value, most)), f32.eq(most, most));
  const isTaken = f.local("i32");
  const visit = sequence(
    value.set(element(at)),
    isTaken.set(isBetter),
    best.set(i32.select(isTaken, at, best)),
    most.set(f32.select(isTaken, value, most)),
    at.set(i32.add(at, step)),
  );
  const across = sequence(
    at.set(i32.add(i32.load(line), i32.load(word))),
    end.set(i32.add(at, i32.mul(i32.load(word, 4), step))),
    // `visit` moves `at` on.
    loopTo(at, end, 0, visit),
    bump(line, 4),
  );
  const perCell = sequence(
    best.set(i32.add(i32.load(words, 4), i32.load(word))),
    most.set(element(best)),
    line.set(i32.add(words, i32.const(4))),
    lines.set(i32.add(line, i32.shl(i32.load(words), i32.const(2)))),
    // `across` moves `line` on.
    loopTo(line, lines, 0, across),
    i32.store(to, best),
    bump(to, 4),
    bump(word, 8),
  );
  const perRow = sequence(
    word.set(cells),
    cell.set(i32.const(0)),
    loopTo(cell, cellCount, 1, perCell),
    words.set(i32.add(words, i32.shl(i32.add(i32.load(words), i32.const(1)), i32.const(2)))),
  );
  f.code(
    plane.set(i32.const(0)),
    loopTo(
      plane,
      planes,
      1,
      sequence(words.set(rows), row.set(i32.const(0)), loopTo(row, rowCount, 1, perRow), x.set(i32.add(x, planeBytes))),
    ),
  );
}
