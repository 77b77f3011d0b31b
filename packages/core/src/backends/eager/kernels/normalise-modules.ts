/**
 * Softmax, RMS normalisation, their adjoints and rotary embedding on contiguous float32 rows. Sums run in double
 * precision. Every function's `rowBytes` is a row's length in bytes.
 */
import {
  type Expression,
  f32,
  f32x4,
  f64,
  i32,
  loopTo,
  ModuleBuilder,
  Steps,
  sequence,
  v128,
  when,
} from "../wasm/index.ts";
import { DoubleSum, foldLanes, masked, overRows, overVectors } from "./rows.ts";
import { exp, log } from "./vector-math.ts";

const toF32 = (value: Expression) => f32x4.splat(f32.fromF64(value));

/** `run(x, to, rows, rowBytes)`: exp(x - max) / sum, or x - max - log(sum). */
export function softmaxModule(logarithm: boolean): ModuleBuilder {
  const module = new ModuleBuilder();
  const f = module.function("run", ["i32", "i32", "i32", "i32"]);
  const [x, to, rows, rowBytes] = f.parameters;
  const maximum = f.local("v128");
  const scale = f.local("v128");
  const sum = new DoubleSum(f);
  const shifted = (at: Expression) => f32x4.sub(v128.load(i32.add(x, at)), maximum);
  const exponentials = overVectors(f, rowBytes, (at, inside) => {
    const s = new Steps(f);
    const e = s.let(masked(exp(s, shifted(at)), inside));
    s.add(sum.add(e));
    if (!logarithm) s.add(v128.store(i32.add(to, at), e));
    return s.code();
  });
  const finish = new Steps(f);
  if (logarithm) finish.add(scale.set(log(finish, toF32(sum.total()))));
  else finish.add(scale.set(toF32(f64.div(f64.const(1), sum.total()))));
  const body = sequence(
    maximum.set(f32x4.const(-Infinity)),
    overVectors(f, rowBytes, (at, inside) =>
      maximum.set(f32x4.max(maximum, masked(v128.load(i32.add(x, at)), inside, -Infinity))),
    ),
    foldLanes(maximum, f32x4.max),
    sum.clear(),
    exponentials,
    finish.code(),
    overVectors(f, rowBytes, (at) => {
      const place = i32.add(to, at);
      return v128.store(place, logarithm ? f32x4.sub(shifted(at), scale) : f32x4.mul(v128.load(place), scale));
    }),
  );
  f.code(overRows(f, rows, [x, to], rowBytes, body));
  return module;
}

/** `run(y, ct, to, rows, rowBytes)`: y · (ct - Σ ct · y). */
export function softmaxAdjointModule(): ModuleBuilder {
  const module = new ModuleBuilder();
  const f = module.function("run", ["i32", "i32", "i32", "i32", "i32"]);
  const [y, ct, to, rows, rowBytes] = f.parameters;
  const lanes = f.local("v128");
  const inner = f.local("v128");
  const sum = new DoubleSum(f);
  const probability = (at: Expression) => v128.load(i32.add(y, at));
  const cotangent = (at: Expression) => v128.load(i32.add(ct, at));
  const body = sequence(
    sum.clear(),
    overVectors(f, rowBytes, (at, inside) =>
      sequence(lanes.set(masked(f32x4.mul(probability(at), cotangent(at)), inside)), sum.add(lanes)),
    ),
    inner.set(toF32(sum.total())),
    overVectors(f, rowBytes, (at) =>
      v128.store(i32.add(to, at), f32x4.mul(probability(at), f32x4.sub(cotangent(at), inner))),
    ),
  );
  f.code(overRows(f, rows, [y, ct, to], rowBytes, body));
  return module;
}

/** 1 / √(Σ x² / count + epsilon) to every lane, where the sum has been taken. */
function inverseRms(squares: DoubleSum, rowBytes: Expression, epsilon: Expression): Expression {
  const count = f64.fromI32(i32.shr(rowBytes, i32.const(2)));
  return toF32(f64.div(f64.const(1), f64.sqrt(f64.add(f64.div(squares.total(), count), epsilon))));
}

/** `run(x, weight, to, rows, rowBytes, epsilon, offset)`; epsilon is f64, offset f32; without weight it is not read. */
export function rmsNormModule(weighted: boolean): ModuleBuilder {
  const module = new ModuleBuilder();
  const f = module.function("run", ["i32", "i32", "i32", "i32", "i32", "f64", "f32"]);
  const [x, weight, to, rows, rowBytes, epsilon, offset] = f.parameters;
  const lanes = f.local("v128");
  const inverse = f.local("v128");
  const shift = f.local("v128");
  const squares = new DoubleSum(f);
  const value = (at: Expression) => v128.load(i32.add(x, at));
  const body = sequence(
    squares.clear(),
    overVectors(f, rowBytes, (at, inside) =>
      sequence(lanes.set(masked(value(at), inside)), lanes.set(f32x4.mul(lanes, lanes)), squares.add(lanes)),
    ),
    inverse.set(inverseRms(squares, rowBytes, epsilon)),
    overVectors(f, rowBytes, (at) => {
      const normal = f32x4.mul(value(at), inverse);
      const scaled = f32x4.mul(normal, f32x4.add(v128.load(i32.add(weight, at)), shift));
      return v128.store(i32.add(to, at), weighted ? scaled : normal);
    }),
  );
  f.code(shift.set(f32x4.splat(offset)), overRows(f, rows, [x, to], rowBytes, body));
  return module;
}

/**
 * `run(x, weight, ct, to, sums, rows, rowBytes, epsilon, offset)`. `sums` holds the weight's cotangent in doubles,
 * cleared by the caller; `weightSums(sums, to, rowBytes, stride, count)` adds up several such sums, a stride apart, and
 * rounds the total to float32.
 */
export function rmsNormAdjointModule(weighted: boolean): ModuleBuilder {
  const module = new ModuleBuilder();
  const f = module.function("run", ["i32", "i32", "i32", "i32", "i32", "i32", "i32", "f64", "f32"]);
  const [x, weight, ct, to, sums, rows, rowBytes, epsilon, offset] = f.parameters;
  const lanes = f.local("v128");
  const inverse = f.local("v128");
  const pull = f.local("v128");
  const shift = f.local("v128");
  const squares = new DoubleSum(f);
  const projection = new DoubleSum(f);
  const column = new DoubleSum(f);
  const value = (at: Expression) => v128.load(i32.add(x, at));
  const cotangent = (at: Expression) => v128.load(i32.add(ct, at));
  const scaled = (at: Expression) =>
    weighted ? f32x4.mul(cotangent(at), f32x4.add(v128.load(i32.add(weight, at)), shift)) : cotangent(at);
  const place = (at: Expression) => i32.add(sums, i32.shl(at, i32.const(1)));
  const body = sequence(
    squares.clear(),
    projection.clear(),
    overVectors(f, rowBytes, (at, inside) =>
      sequence(
        lanes.set(masked(value(at), inside)),
        lanes.set(f32x4.mul(lanes, lanes)),
        squares.add(lanes),
        lanes.set(masked(f32x4.mul(scaled(at), value(at)), inside)),
        projection.add(lanes),
      ),
    ),
    inverse.set(inverseRms(squares, rowBytes, epsilon)),
    pull.set(toF32(f64.div(projection.total(), f64.fromI32(i32.shr(rowBytes, i32.const(2)))))),
    pull.set(f32x4.mul(f32x4.mul(pull, inverse), inverse)),
    overVectors(f, rowBytes, (at) =>
      sequence(
        v128.store(i32.add(to, at), f32x4.mul(inverse, f32x4.sub(scaled(at), f32x4.mul(value(at), pull)))),
        weighted
          ? sequence(
              lanes.set(f32x4.mul(f32x4.mul(cotangent(at), value(at)), inverse)),
              column.load(place(at)),
              column.add(lanes),
              column.store(place(at)),
            )
          : [],
      ),
    ),
  );
  f.code(shift.set(f32x4.splat(offset)), overRows(f, rows, [x, ct, to], rowBytes, body));

  const g = module.function("weightSums", ["i32", "i32", "i32", "i32", "i32"]);
  const total = new DoubleSum(g);
  const [from, target, bytes, stride, count] = g.parameters;
  const part = g.local("i32");
  const left = g.local("i32");
  g.code(
    overVectors(g, bytes, (at) =>
      sequence(
        total.clear(),
        part.set(i32.add(from, i32.shl(at, i32.const(1)))),
        left.set(i32.const(0)),
        loopTo(left, count, 1, sequence(total.include(part), part.set(i32.add(part, stride)))),
        v128.store(i32.add(target, at), total.lanes()),
      ),
    ),
  );
  return module;
}

/**
 * `run(x, cos, sin, to, rows, halfBytes, angleBytes, sign)`: pairs (i, i + half) of each row turn; the angles' rows
 * repeat after `angleBytes`. A half row is whole vectors.
 */
export function rotaryModule(): ModuleBuilder {
  const module = new ModuleBuilder();
  const f = module.function("run", ["i32", "i32", "i32", "i32", "i32", "i32", "i32", "f32"]);
  const [x, cos, sin, to, rows, halfBytes, angleBytes, sign] = f.parameters;
  const angle = f.local("i32");
  const row = f.local("i32");
  const at = f.local("i32");
  const direction = f.local("v128");
  const low = f.local("v128");
  const high = f.local("v128");
  const c = f.local("v128");
  const s = f.local("v128");
  const upper = i32.add(at, halfBytes);
  const turn = sequence(
    c.set(v128.load(i32.add(cos, i32.add(angle, at)))),
    s.set(f32x4.mul(direction, v128.load(i32.add(sin, i32.add(angle, at))))),
    low.set(v128.load(i32.add(x, at))),
    high.set(v128.load(i32.add(x, upper))),
    v128.store(i32.add(to, at), f32x4.sub(f32x4.mul(low, c), f32x4.mul(high, s))),
    v128.store(i32.add(to, upper), f32x4.add(f32x4.mul(high, c), f32x4.mul(low, s))),
  );
  f.code(
    direction.set(f32x4.splat(sign)),
    angle.set(i32.const(0)),
    row.set(i32.const(0)),
    loopTo(
      row,
      rows,
      1,
      sequence(
        at.set(i32.const(0)),
        loopTo(at, halfBytes, 16, turn),
        x.set(i32.add(x, i32.shl(halfBytes, i32.const(1)))),
        to.set(i32.add(to, i32.shl(halfBytes, i32.const(1)))),
        angle.set(i32.add(angle, halfBytes)),
        when(i32.ge(angle, angleBytes), angle.set(i32.const(0))),
      ),
    ),
  );
  return module;
}
