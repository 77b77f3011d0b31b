/**
 * The code of a packed matrix product (Goto and van de Geijn, "Anatomy of high-performance matrix multiplication",
 * 2008): `pack` lays an operand out in panels, `block` multiplies a packed block of A by one of B in register tiles.
 * All strides and lengths in bytes unless they count elements.
 */
import {
  type Expression,
  type FunctionBuilder,
  i32,
  type Local,
  loopTo,
  ModuleBuilder,
  type Statement,
  sequence,
  v128,
  when,
} from "../wasm/index.ts";
import { type Lanes, transpose4 } from "./lanes.ts";

export interface TileShape {
  /** Rows of a register tile. */
  readonly rows: number;
  /** Columns of a register tile, in vectors. */
  readonly vectors: number;
}

export interface GemmFunctions {
  /** (source, panelStride, depthStride, extent, depth, to): panels as wide as a tile has rows. */
  readonly packRows: (...values: number[]) => void;
  /** The same, as wide as a tile has columns. */
  readonly packColumns: (...values: number[]) => void;
  /** (a, b, c, rowBytesOfC, rows, columns, depth, accumulate, scratchTile). */
  readonly block: (...values: number[]) => void;
  /**
   * (a, rowStrideA, columnStrideA, b, rowStrideB, columnStrideB, c, rowBytesOfC, rows, depth, columns, accumulate,
   * packed, workspace): a whole product, block by block; the workspace holds a tile, then a block of A, then one of B.
   * `packed` says that a (1) or b (2) is a whole operand as `packRows` or `packColumns` lays it out, one block of the
   * depth after the other; the row stride of such an a, or the column stride of such a b, is one step of the depth.
   */
  readonly multiply: (...values: number[]) => void;
  /**
   * (table, count, rowStrideA, columnStrideA, rowStrideB, columnStrideB, rowBytesOfC, rows, depth, columns, workspace):
   * as many products of one layout, whose operands and results begin at the triples of addresses in the table.
   */
  readonly multiplyEach: (...values: number[]) => void;
}

/**
 * A packed block of A stays in the second-level cache, a panel of B in the first, a block of B in the third. The rows
 * are a multiple of every tile's.
 */
export const blocks = { rows: 120, depth: 256, columns: 1024 } as const;

export function gemmModule(lanes: Lanes, shape: TileShape, relaxed: boolean): ModuleBuilder {
  const module = new ModuleBuilder();
  const packRows = packFunction(module, "packRows", lanes, shape.rows);
  const packColumns = packFunction(module, "packColumns", lanes, shape.vectors * lanes.count);
  const block = blockFunction(module, lanes, shape, relaxed);
  const multiply = multiplyFunction(module, lanes, shape, { packRows, packColumns, block });
  eachFunction(module, multiply);
  return module;
}

function eachFunction(module: ModuleBuilder, multiply: FunctionBuilder): void {
  const f = module.function("multiplyEach", new Array(11).fill("i32"));
  const [table, count, rowA, columnA, rowB, columnB, rowBytes, rows, depth, columns, workspace] = f.parameters;
  const i = f.local("i32");
  const [a, b, c] = [0, 4, 8].map((at) => i32.load(table, at));
  const zero = i32.const(0);
  f.code(
    i.set(zero),
    loopTo(
      i,
      count,
      1,
      sequence(
        module.call(
          multiply,
          ...[a, rowA, columnA, b, rowB, columnB, c, rowBytes, rows, depth, columns, zero, zero, workspace],
        ),
        table.set(i32.add(table, i32.const(12))),
      ),
    ),
  );
}

function multiplyFunction(
  module: ModuleBuilder,
  lanes: Lanes,
  shape: TileShape,
  parts: Readonly<Record<"packRows" | "packColumns" | "block", FunctionBuilder>>,
): FunctionBuilder {
  const f = module.function("multiply", new Array(14).fill("i32"));
  const [a, rowA, columnA, b, rowB, columnB, c, rowBytes, rows, depth, columns, accumulate, packed, workspace] =
    f.parameters;
  const [i, j, k, high, thick, width] = Array.from({ length: 6 }, () => f.local("i32"));
  const [ownA, ownB, blockA, blockB] = Array.from({ length: 4 }, () => f.local("i32"));
  const smaller = (p: Expression, q: Expression) => i32.select(i32.lt(p, q), p, q);
  const at = (base: Local, x: Local, strideX: Expression, y: Local, strideY: Expression) =>
    i32.add(base, i32.add(i32.mul(x, strideX), i32.mul(y, strideY)));
  const bytes = i32.const(lanes.bytes);
  const padded = i32.mul(
    i32.const(Math.ceil(blocks.rows / shape.rows) * shape.rows * lanes.bytes),
    smaller(depth, i32.const(blocks.depth)),
  );
  /** Where the panels from `start` on lie in an operand that is packed whole, and whose stride is that of the depth. */
  const within = (base: Local, stride: Local, start: Local) => at(base, k, stride, start, i32.mul(thick, bytes));
  const target = at(c, i, rowBytes, j, bytes);
  const add = i32.or(accumulate, i32.gt(k, i32.const(0)));
  const alongRows = sequence(
    high.set(smaller(i32.const(blocks.rows), i32.sub(rows, i))),
    when(
      i32.eq(packed, i32.const(1)),
      blockA.set(within(a, rowA, i)),
      sequence(
        module.call(parts.packRows, at(a, i, rowA, k, columnA), rowA, columnA, high, thick, ownA),
        blockA.set(ownA),
      ),
    ),
    module.call(parts.block, blockA, blockB, target, rowBytes, high, width, thick, add, workspace),
  );
  const alongDepth = sequence(
    thick.set(smaller(i32.const(blocks.depth), i32.sub(depth, k))),
    when(
      i32.eq(packed, i32.const(2)),
      blockB.set(within(b, columnB, j)),
      sequence(
        module.call(parts.packColumns, at(b, k, rowB, j, columnB), columnB, rowB, width, thick, ownB),
        blockB.set(ownB),
      ),
    ),
    i.set(i32.const(0)),
    loopTo(i, rows, blocks.rows, alongRows),
  );
  f.code(
    ownA.set(i32.add(workspace, i32.const(shape.rows * shape.vectors * 16))),
    ownB.set(i32.add(ownA, padded)),
    j.set(i32.const(0)),
    loopTo(
      j,
      columns,
      blocks.columns,
      sequence(
        width.set(smaller(i32.const(blocks.columns), i32.sub(columns, j))),
        k.set(i32.const(0)),
        loopTo(k, depth, blocks.depth, alongDepth),
      ),
    ),
  );
  return f;
}

function packFunction(module: ModuleBuilder, name: string, lanes: Lanes, width: number): FunctionBuilder {
  const f = module.function(name, ["i32", "i32", "i32", "i32", "i32", "i32"]);
  const [source, panelStride, depthStride, extent, depth, to] = f.parameters;
  const panel = f.local("i32");
  const k = f.local("i32");
  const i = f.local("i32");
  const from = f.local("i32");
  const size = lanes.bytes;
  const step = i32.const(width * size);
  const left = f.local("i32");
  const next = (pointer: Local, by: Expression) => pointer.set(i32.add(pointer, by));

  const vectorCopies = Array.from({ length: (width * size) / 16 }, (_, v) =>
    v128.store(to, v128.load(from, v * 16), v * 16),
  );
  const alongPanel = sequence(
    k.set(i32.const(0)),
    loopTo(k, depth, 1, sequence(...vectorCopies, next(from, depthStride), next(to, step))),
  );

  const oneDepth = (count: number) =>
    Array.from({ length: count }, (_, r) =>
      lanes.copy(to, i32.add(from, i32.mul(panelStride, i32.const(r))), r * size),
    );
  const anyStride = loopTo(k, depth, 1, sequence(...oneDepth(width), next(from, depthStride), next(to, step)));

  const whole =
    lanes.count === 4 && width % 4 === 0
      ? when(
          i32.eq(depthStride, i32.const(size)),
          sequence(transposedPack(f, width, panelStride, depth, k, from, to), anyStride),
          anyStride,
        )
      : anyStride;

  // The last panel may be narrower: zeros stand for what is missing.
  const narrow = loopTo(
    k,
    depth,
    1,
    sequence(
      ...Array.from({ length: width }, (_, r) => lanes.clear(to, r * size)),
      i.set(i32.const(0)),
      loopTo(i, left, 1, lanes.copy(i32.add(to, i32.mul(i, i32.const(size))), i32.add(from, i32.mul(i, panelStride)))),
      next(from, depthStride),
      next(to, step),
    ),
  );
  const vectorPanel = (width * size) % 16 === 0;

  f.code(
    panel.set(i32.const(0)),
    loopTo(
      panel,
      extent,
      width,
      sequence(
        left.set(i32.sub(extent, panel)),
        from.set(i32.add(source, i32.mul(panel, panelStride))),
        k.set(i32.const(0)),
        when(
          i32.ge(left, i32.const(width)),
          vectorPanel ? when(i32.eq(panelStride, i32.const(size)), alongPanel, whole) : whole,
          narrow,
        ),
      ),
    ),
  );
  return f;
}

/** Packs four steps of k at a time where the source runs along k, by transposing 4 × 4 squares. Leaves k at the rest. */
function transposedPack(
  f: FunctionBuilder,
  width: number,
  panelStride: Expression,
  depth: Expression,
  k: Local,
  from: Local,
  to: Local,
): Statement {
  const rows = Array.from({ length: 4 }, () => f.local("v128"));
  const whole = f.local("i32");
  const squares = Array.from({ length: width / 4 }, (_, group) => {
    const loads = rows.map((row, r) =>
      row.set(v128.load(i32.add(from, i32.mul(panelStride, i32.const(group * 4 + r))))),
    );
    const stores = transpose4(rows).map((column, j) => v128.store(to, column, j * width * 4 + group * 16));
    return sequence(...loads, ...stores);
  });
  return sequence(
    whole.set(i32.and(depth, i32.const(~3))),
    loopTo(
      k,
      whole,
      4,
      sequence(...squares, from.set(i32.add(from, i32.const(16))), to.set(i32.add(to, i32.const(16 * width)))),
    ),
  );
}

/** (a, b, c, rowBytesOfC, depth, accumulate): one register tile of C, or the first `rows` rows of one. */
function tileFunction(
  module: ModuleBuilder,
  lanes: Lanes,
  shape: TileShape,
  relaxed: boolean,
  rows = shape.rows,
): FunctionBuilder {
  const f = module.function(`tile${rows}`, ["i32", "i32", "i32", "i32", "i32", "i32"]);
  const [a, b, c, rowBytes, depth, accumulate] = f.parameters;
  const end = f.local("i32");
  const sums = Array.from({ length: rows }, () => Array.from({ length: shape.vectors }, () => f.local("v128")));
  const right = Array.from({ length: shape.vectors }, () => f.local("v128"));
  const left = f.local("v128");
  const aStep = shape.rows * lanes.bytes;
  const bStep = shape.vectors * 16;
  const madd = (x: Expression, y: Expression, sum: Expression) =>
    relaxed ? lanes.relaxedMadd(x, y, sum) : lanes.add(sum, lanes.mul(x, y));

  // One step of the depth per round: V8 schedules arithmetic late within a block, and with more steps in it the
  // registers no longer suffice (measured on Node 20: 40 GFLOP/s with one step, 27 with two).
  const step: Statement[] = right.map((vector, v) => vector.set(v128.load(b, v * 16)));
  for (let r = 0; r < rows; r++) {
    step.push(left.set(lanes.loadSplat(a, r * lanes.bytes)));
    sums[r].forEach((sum, v) => {
      step.push(sum.set(madd(left, right[v], sum)));
    });
  }
  const row = f.local("i32");
  const results = (read: boolean) =>
    sequence(
      row.set(c),
      ...sums.flatMap((vectors) => [
        ...vectors.map((sum, v) => v128.store(row, read ? lanes.add(v128.load(row, v * 16), sum) : sum, v * 16)),
        row.set(i32.add(row, rowBytes)),
      ]),
    );
  f.code(
    ...sums.flat().map((sum) => sum.set(lanes.zero)),
    end.set(i32.add(a, i32.mul(depth, i32.const(aStep)))),
    loopTo(a, end, aStep, sequence(...step, b.set(i32.add(b, i32.const(bStep))))),
    when(accumulate, results(true), results(false)),
  );
  return f;
}

/** Adds `block` of `GemmFunctions` to a module. */
export function blockFunction(
  module: ModuleBuilder,
  lanes: Lanes,
  shape: TileShape,
  relaxed: boolean,
): FunctionBuilder {
  const tile = tileFunction(module, lanes, shape, relaxed);
  const lower = Array.from({ length: shape.rows - 1 }, (_, r) => tileFunction(module, lanes, shape, relaxed, r + 1));
  const f = module.function("block", ["i32", "i32", "i32", "i32", "i32", "i32", "i32", "i32", "i32"]);
  const [a, b, c, rowBytes, rows, columns, depth, accumulate, scratch] = f.parameters;
  const tileColumns = shape.vectors * lanes.count;
  const tileRowBytes = tileColumns * lanes.bytes;
  const i = f.local("i32");
  const j = f.local("i32");
  const panelA = f.local("i32");
  const panelB = f.local("i32");
  const to = f.local("i32");
  const x = f.local("i32");
  const y = f.local("i32");
  const lastX = f.local("i32");
  const lastY = f.local("i32");
  const from = f.local("i32");
  const toRow = f.local("i32");
  const bytes = i32.const(lanes.bytes);
  const smaller = (p: Expression, q: Expression) => i32.select(i32.lt(p, q), p, q);

  const tileArguments = [panelA, panelB, to, rowBytes, depth, accumulate] as const;
  /** The last rows, of which a tile would compute more than there are. */
  const lastRows = lower.reduce<Statement>(
    (otherwise, low, r) =>
      when(i32.eq(i32.sub(rows, i), i32.const(r + 1)), module.call(low, ...tileArguments), otherwise),
    sequence(),
  );
  /** Where the tile sticks out of C to the right it is computed in scratch memory, and what is inside moves over. */
  const partial = sequence(
    lastY.set(smaller(i32.const(shape.rows), i32.sub(rows, i))),
    lastX.set(i32.mul(smaller(i32.const(tileColumns), i32.sub(columns, j)), bytes)),
    when(accumulate, copyTile(to, rowBytes, scratch, i32.const(tileRowBytes))),
    module.call(tile, panelA, panelB, scratch, i32.const(tileRowBytes), depth, accumulate),
    copyTile(scratch, i32.const(tileRowBytes), to, rowBytes),
  );
  function copyTile(source: Expression, sourceBytes: Expression, target: Expression, targetBytes: Expression) {
    return sequence(
      from.set(source),
      toRow.set(target),
      y.set(i32.const(0)),
      loopTo(
        y,
        lastY,
        1,
        sequence(
          x.set(i32.const(0)),
          loopTo(x, lastX, lanes.bytes, lanes.copy(i32.add(toRow, x), i32.add(from, x))),
          from.set(i32.add(from, sourceBytes)),
          toRow.set(i32.add(toRow, targetBytes)),
        ),
      ),
    );
  }

  f.code(
    j.set(i32.const(0)),
    panelB.set(b),
    loopTo(
      j,
      columns,
      tileColumns,
      sequence(
        i.set(i32.const(0)),
        panelA.set(a),
        loopTo(
          i,
          rows,
          shape.rows,
          sequence(
            to.set(i32.add(c, i32.add(i32.mul(i, rowBytes), i32.mul(j, bytes)))),
            when(
              i32.gt(i32.add(j, i32.const(tileColumns)), columns),
              partial,
              when(i32.le(i32.add(i, i32.const(shape.rows)), rows), module.call(tile, ...tileArguments), lastRows),
            ),
            panelA.set(i32.add(panelA, i32.mul(depth, i32.const(shape.rows * lanes.bytes)))),
          ),
        ),
        panelB.set(i32.add(panelB, i32.mul(depth, i32.const(tileRowBytes)))),
      ),
    ),
  );
  return f;
}
