/**
 * The code that takes tiles to points and back, four at a time: one in each lane. Which four is up to the caller, who
 * gives four addresses: neighbouring tiles of one channel, or one tile of four channels.
 */
import { type Lanes, transpose4 } from "../../kernels/lanes.ts";
import {
  type Expression,
  type FunctionBuilder,
  f32,
  f32x4,
  i32,
  type Local,
  loopTo,
  type ModuleBuilder,
  type Statement,
  Steps,
  sequence,
  v128,
} from "../../wasm/index.ts";
import {
  apply,
  cotangentMatrix,
  gradientMatrix,
  inputMatrix,
  outputMatrix,
  outputs,
  points,
  taps,
  weightMatrix,
} from "./transforms.ts";

/** The functions that `tileFunctions` adds. */
export interface TileFunctions {
  /** (a, b, c, d, rowBytes, scratch, to, toPoint): 6 × 6 inputs at each of four addresses to points. */
  readonly input: FunctionBuilder;
  /** The same of 4 × 4 cotangents. */
  readonly cotangent: FunctionBuilder;
  /** (from, fromPoint, scratch, a, b, c, d, rowBytes): points to 4 × 4 outputs at each of four addresses. */
  readonly output: FunctionBuilder;
  /** (a, b, c, d, rowBytes, tapBytes, scratch, to, toPoint): 3 × 3 taps at each of four addresses to points. */
  readonly weight: FunctionBuilder;
  /** (from, fromPoint, scratch, a, b, c, d): points to 3 × 3 taps at each of four addresses. */
  readonly gradient: FunctionBuilder;
}

export function tileFunctions(module: ModuleBuilder, lanes: Lanes, relaxed: boolean): TileFunctions {
  const madd = (a: Expression, b: Expression, sum: Expression) =>
    relaxed ? lanes.relaxedMadd(a, b, sum) : lanes.add(sum, lanes.mul(a, b));

  /**
   * Applies the matrix along one axis and then along the other. `load` gives the vectors of the next line, `store` takes
   * those of the next line of the result.
   */
  function separable(
    f: FunctionBuilder,
    matrix: readonly (readonly number[])[],
    scratch: Local,
    load: (steps: Steps) => Expression[],
    store: (steps: Steps, line: readonly Local[]) => void,
  ): void {
    const [to, from] = [matrix.length, matrix[0]!.length];
    const line = f.local("i32");
    const at = f.local("i32");
    const first = new Steps(f);
    for (const [i, result] of apply(first, matrix, load(first), madd).entries())
      first.add(v128.store(at, result, i * 16));
    const second = new Steps(f);
    const inputs = Array.from({ length: from }, (_, i) => second.let(v128.load(at, i * to * 16)));
    store(second, apply(second, matrix, inputs, madd).map((result) => second.let(result))); // biome-ignore format: one line
    const lines = (count: number, body: Statement, step: number) =>
      sequence(
        at.set(scratch),
        line.set(i32.const(0)),
        loopTo(line, i32.const(count), 1, sequence(body, at.set(i32.add(at, i32.const(step))))),
      );
    f.code(lines(from, first.code(), to * 16), lines(to, second.code(), 16));
  }

  /** The points of a line are six points apart. */
  const storePoints = (f: FunctionBuilder, to: Local, toPoint: Expression) => {
    const [next, step] = [f.local("i32"), f.local("i32")];
    f.code(step.set(i32.mul(toPoint, i32.const(points))));
    return (steps: Steps, line: readonly Local[]) => {
      steps.add(next.set(to));
      for (const [i, vector] of line.entries())
        steps.add(v128.store(next, vector), i < points - 1 ? next.set(i32.add(next, step)) : []);
      steps.add(to.set(i32.add(to, toPoint)));
    };
  };
  const loadPoints = (f: FunctionBuilder, from: Local, fromPoint: Expression) => {
    const [next, step] = [f.local("i32"), f.local("i32")];
    f.code(step.set(i32.mul(fromPoint, i32.const(points))));
    return (steps: Steps) => {
      steps.add(next.set(from));
      const line = Array.from({ length: points }, () => {
        const vector = steps.let(v128.load(next));
        steps.add(next.set(i32.add(next, step)));
        return vector;
      });
      steps.add(from.set(i32.add(from, fromPoint)));
      return line;
    };
  };
  const bump = (pointers: readonly Local[], by: Expression) => pointers.flatMap((p) => p.set(i32.add(p, by)));

  const fromRows = (name: string, matrix: readonly (readonly number[])[]): FunctionBuilder => {
    const f = module.function(name, new Array(8).fill("i32"));
    const [a, b, c, d, rowBytes, scratch, to, toPoint] = f.parameters as Local[];
    const four = [a, b, c, d] as Local[];
    separable(
      f,
      matrix,
      scratch!,
      (steps) => {
        const low = transpose4(four.map((p) => steps.let(v128.load(p))));
        if (matrix[0]!.length === outputs) {
          const line = low.map((vector) => steps.let(vector));
          steps.add(bump(four, rowBytes!));
          return line;
        }
        const high = transpose4(four.map((p) => steps.let(v128.load(p, 16)))).slice(0, 2);
        const line = [...low, ...high].map((vector) => steps.let(vector));
        steps.add(bump(four, rowBytes!));
        return line;
      },
      storePoints(f, to!, toPoint!),
    );
    return f;
  };

  function output(): FunctionBuilder {
    const f = module.function("outputTile", new Array(8).fill("i32"));
    const [from, fromPoint, scratch, a, b, c, d, rowBytes] = f.parameters as Local[];
    const four = [a, b, c, d] as Local[];
    separable(f, outputMatrix, scratch!, loadPoints(f, from!, fromPoint!), (steps, line) => {
      for (const [i, row] of transpose4(line).entries()) steps.add(v128.store(four[i]!, row));
      steps.add(bump(four, rowBytes!));
    });
    return f;
  }

  function weight(): FunctionBuilder {
    const f = module.function("weightTile", new Array(9).fill("i32"));
    const [a, b, c, d, rowBytes, tapBytes, scratch, to, toPoint] = f.parameters as Local[];
    const rows = [a, b, c, d] as Local[];
    const ats = rows.map(() => f.local("i32"));
    separable(
      f,
      weightMatrix,
      scratch!,
      (steps) => {
        steps.add(...ats.map((at, i) => at.set(rows[i]!)));
        const line = Array.from({ length: taps }, () => {
          const vector = steps.let(transpose4(ats.map((at) => v128.load32Zero(at)))[0]!);
          steps.add(bump(ats, tapBytes!));
          return vector;
        });
        steps.add(bump(rows, rowBytes!));
        return line;
      },
      storePoints(f, to!, toPoint!),
    );
    return f;
  }

  function gradient(): FunctionBuilder {
    const f = module.function("gradientTile", new Array(7).fill("i32"));
    const [from, fromPoint, scratch, a, b, c, d] = f.parameters as Local[];
    const four = [a, b, c, d] as Local[];
    separable(f, gradientMatrix, scratch!, loadPoints(f, from!, fromPoint!), (steps, line) => {
      for (const [i, vector] of line.entries())
        for (const [lane, p] of four.entries()) steps.add(f32.store(p, f32x4.lane(vector, lane), i * 4));
      steps.add(bump(four, i32.const(taps * 4)));
    });
    return f;
  }

  return {
    input: fromRows("inputTile", inputMatrix),
    cotangent: fromRows("cotangentTile", cotangentMatrix),
    output: output(),
    weight: weight(),
    gradient: gradient(),
  };
}
