/**
 * The code of a fused kernel. Loops over the outer axes move a pointer per operand; a row is passed over once, or, where
 * later steps need a reduction of the row, once more for each such level, while it is still in the cache.
 */

import { DoubleSum, foldLanes, highHalf, masked } from "../../eager/kernels/rows.ts";
import {
  type Expression,
  type FunctionBuilder,
  f32,
  f32x4,
  f64,
  f64x2,
  i32,
  i32x4,
  type Local,
  loopTo,
  ModuleBuilder,
  type Statement,
  Steps,
  sequence,
  v128,
  when,
} from "../../eager/wasm/index.ts";
import { binaryCode, castCode, unaryCode } from "./lane-code.ts";
import { type KernelSpec, type Lane, parameterLayout, type Standing, type Step, standings } from "./spec.ts";

/**
 * `run(parameters)`, the parameters laid out as `parameterLayout` says. `finish(sums, stride, count, to, bytes)` adds up
 * gathered sums, so many of them a stride apart, and rounds the totals.
 */
export function kernelModule(spec: KernelSpec): ModuleBuilder {
  const module = new ModuleBuilder();
  new KernelBuilder(spec, module.function("run", ["i32"])).build();
  const f = module.function("finish", ["i32", "i32", "i32", "i32", "i32"]);
  const [sums, stride, count, to, bytes] = f.parameters as [Local, Local, Local, Local, Local];
  const at = f.local("i32");
  const part = f.local("i32");
  const from = f.local("i32");
  const sum = new DoubleSum(f);
  f.code(
    at.set(i32.const(0)),
    loopTo(
      at,
      bytes,
      16,
      sequence(
        sum.clear(),
        from.set(i32.add(sums, i32.shl(at, i32.const(1)))),
        part.set(i32.const(0)),
        loopTo(part, count, 1, sequence(sum.include(from), from.set(i32.add(from, stride)))),
        v128.store(i32.add(to, at), sum.lanes()),
      ),
    ),
  );
  return module;
}

const extrema = {
  max: { fold: f32x4.max, identity: -Infinity },
  min: { fold: f32x4.min, identity: Infinity },
};

/** A reduction or gathering while its row is passed over. */
interface Accumulator {
  readonly begin: Statement;
  /** `inside` marks the lanes that belong to the row, where not all do. */
  readonly add: (s: Steps, lanes: Local, inside: Expression | undefined) => void;
  readonly end: Statement;
}

class KernelBuilder {
  private readonly spec: KernelSpec;
  private readonly f: FunctionBuilder;
  private readonly standing: Standing[];
  private readonly pointers: Local[];
  private readonly rowBytes: Local;
  private readonly at: Local;
  /** The values of uniform steps. */
  private readonly uniform = new Map<number, Local>();
  private readonly outputOf = new Map<number, number>();

  constructor(spec: KernelSpec, f: FunctionBuilder) {
    this.spec = spec;
    this.f = f;
    this.standing = standings(spec);
    const operands = spec.inputs.length + spec.outputs.length + spec.gatherings.length;
    this.pointers = Array.from({ length: operands }, () => f.local("i32"));
    this.rowBytes = f.local("i32");
    this.at = f.local("i32");
    spec.outputs.forEach(({ step, run }, i) => {
      if (run === "vector") this.outputOf.set(step, spec.inputs.length + i);
    });
  }

  build(): void {
    const { spec, f } = this;
    const layout = parameterLayout(spec);
    const parameters = f.parameters[0]!;
    const word = (i: number): Expression => i32.load(parameters, 4 * i);
    f.code(
      ...this.pointers.map((pointer, i) => pointer.set(word(layout.pointer(i)))),
      this.rowBytes.set(i32.shl(word(layout.extent(spec.rank - 1)), i32.const(2))),
    );
    spec.steps.forEach((step, i) => {
      if (step.kind !== "scalar") return;
      const local = f.local("v128");
      const splat = v128.load32Splat(parameters, 4 * layout.scalar(step.scalar));
      f.code(local.set(step.lane === "bool" ? i32x4.ne(splat, i32x4.const(0, 0, 0, 0)) : splat));
      this.uniform.set(i, local);
    });
    const nest = (axis: number): Statement => {
      if (axis === spec.rank - 1) return this.row();
      const counter = f.local("i32");
      const end = f.local("i32");
      const advance = this.pointers.map((pointer, i) =>
        pointer.set(i32.add(pointer, word(layout.pointer(i) + 1 + axis))),
      );
      return sequence(
        counter.set(i32.const(0)),
        end.set(word(layout.extent(axis))),
        loopTo(counter, end, 1, sequence(nest(axis + 1), ...advance)),
      );
    };
    f.code(nest(0));
  }

  /** One row: for each level what is known once per row, then a pass. */
  private row(): Statement {
    const { spec, standing } = this;
    const last = Math.max(...standing.map(({ level }) => level));
    const statements: Statement[] = [];
    for (let level = 0; level <= last; level++) {
      const s = new Steps(this.f);
      spec.steps.forEach((step, i) => {
        if (!standing[i]!.uniform || standing[i]!.level !== level || this.uniform.has(i)) return;
        this.uniform.set(i, s.let(this.compute(s, step, (operand) => this.uniform.get(operand)!, 0)));
      });
      spec.outputs.forEach(({ step, run }, i) => {
        if (run !== "single" || standing[step]!.level !== level) return;
        const to = this.pointers[spec.inputs.length + i]!;
        const value = this.uniform.get(step)!;
        s.add(
          spec.steps[step]!.lane === "bool"
            ? i32.store8(to, i32.and(i32x4.lane(value, 0), i32.const(1)))
            : f32.store(to, f32x4.lane(value, 0)),
        );
      });
      statements.push(s.code(), this.pass(level));
    }
    return sequence(...statements);
  }

  /** Passes over the row for what can be computed at a level. */
  private pass(level: number): Statement {
    const { spec, standing, rowBytes, at } = this;
    const stores = spec.outputs
      .map(({ step, run }, i) => ({ step, run, operand: spec.inputs.length + i }))
      .filter(({ step, run }) => run === "vector" && standing[step]!.level === level);
    const accumulators: { readonly source: number; readonly accumulator: Accumulator }[] = [];
    spec.steps.forEach((step, i) => {
      if (step.kind === "reduce" && standing[step.a]!.level === level)
        accumulators.push({ source: step.a, accumulator: this.reduction(step.op, i) });
    });
    spec.gatherings.forEach(({ a, run }, i) => {
      const pointer = this.pointers[spec.inputs.length + spec.outputs.length + i]!;
      if (standing[a]!.level === level)
        accumulators.push({ source: a, accumulator: run === "vector" ? this.perColumn(pointer) : this.total(pointer) });
    });
    if (stores.length === 0 && accumulators.length === 0) return [];
    const vector = (offset: number, inside: Expression | undefined): Statement => {
      const s = new Steps(this.f);
      const known = new Map<number, Local>();
      for (const { step, operand } of stores)
        s.add(this.store(operand, spec.steps[step]!.lane, this.element(s, step, level, offset, known), offset));
      for (const { source, accumulator } of accumulators)
        accumulator.add(s, this.element(s, source, level, offset, known), inside);
      return s.code();
    };
    const begin = accumulators.map(({ accumulator }) => accumulator.begin);
    const end = accumulators.map(({ accumulator }) => accumulator.end);
    if (accumulators.length === 0) {
      // What is computed beyond the row's end is overwritten by the next row, or falls into the slack behind a block.
      const bound = this.f.local("i32");
      const round = sequence(vector(0, undefined), vector(16, undefined));
      return sequence(
        at.set(i32.const(0)),
        bound.set(i32.sub(rowBytes, i32.const(31))),
        loopTo(at, bound, 32, round),
        loopTo(at, rowBytes, 16, vector(0, undefined)),
      );
    }
    const whole = this.f.local("i32");
    const inside = this.f.local("v128");
    const left = i32x4.splat(i32.shr(i32.sub(rowBytes, at), i32.const(2)));
    return sequence(
      ...begin,
      at.set(i32.const(0)),
      whole.set(i32.and(rowBytes, i32.const(~15))),
      loopTo(at, whole, 16, vector(0, undefined)),
      when(i32.lt(at, rowBytes), sequence(inside.set(i32x4.gt(left, i32x4.const(0, 1, 2, 3))), vector(0, inside))),
      ...end,
    );
  }

  /** The lanes of a step at the current place of the row. */
  private element(s: Steps, i: number, level: number, offset: number, known: Map<number, Local>): Local {
    const found = known.get(i) ?? this.uniform.get(i);
    if (found !== undefined) return found;
    const step = this.spec.steps[i]!;
    const output = this.outputOf.get(i);
    const value =
      output !== undefined && this.standing[i]!.level < level
        ? this.load(output, step.lane, offset)
        : this.compute(s, step, (operand) => this.element(s, operand, level, offset, known), offset);
    const local = s.let(value);
    known.set(i, local);
    return local;
  }

  private compute(s: Steps, step: Step, operand: (i: number) => Local, offset: number): Expression {
    const { spec } = this;
    switch (step.kind) {
      case "input":
        return spec.inputs[step.input]!.run === "single"
          ? this.loadSingle(step.input, step.lane)
          : this.load(step.input, step.lane, offset);
      case "unary":
        return unaryCode(step.op, spec.steps[step.a]!.lane)!.code(s, operand(step.a));
      case "binary":
        return binaryCode(step.op, spec.steps[step.a]!.lane)!.code(operand(step.a), operand(step.b));
      case "clip":
        return f32x4.pmin(f32x4.pmax(operand(step.a), operand(step.low)), operand(step.high));
      case "where":
        return v128.select(operand(step.test), operand(step.a), operand(step.b));
      case "cast":
        return castCode(spec.steps[step.a]!.lane, step.lane, operand(step.a));
      default:
        throw new Error(`A ${step.kind} is not computed where it is used.`);
    }
  }

  private load(operand: number, lane: Lane, offset: number): Expression {
    const pointer = this.pointers[operand]!;
    if (lane !== "bool") return v128.load(i32.add(pointer, this.at), offset);
    const bytes = v128.load32Zero(i32.add(pointer, i32.shr(this.at, i32.const(2))), offset / 4);
    return i32x4.ne(i32x4.fromBytes(bytes), i32x4.const(0, 0, 0, 0));
  }

  private loadSingle(operand: number, lane: Lane): Expression {
    const pointer = this.pointers[operand]!;
    if (lane !== "bool") return v128.load32Splat(pointer);
    return i32x4.ne(i32x4.splat(i32.load8u(pointer)), i32x4.const(0, 0, 0, 0));
  }

  private store(operand: number, lane: Lane, value: Local, offset: number): Statement {
    const pointer = this.pointers[operand]!;
    if (lane !== "bool") return v128.store(i32.add(pointer, this.at), value, offset);
    const zero = i32x4.const(0, 0, 0, 0);
    const bytes = i32x4.narrow16(i32x4.narrow(v128.and(value, i32x4.const(1, 1, 1, 1)), zero), zero);
    return v128.store32Lane0(i32.add(pointer, i32.shr(this.at, i32.const(2))), bytes, offset / 4);
  }

  private reduction(op: "sum" | "max" | "min", step: number): Accumulator {
    const result = this.f.local("v128");
    this.uniform.set(step, result);
    if (op === "sum") {
      const sum = new DoubleSum(this.f);
      return {
        begin: sum.clear(),
        add: (s, lanes, inside) => s.add(sum.add(s.let(masked(lanes, inside)))),
        end: result.set(f32x4.splat(f32.fromF64(sum.total()))),
      };
    }
    const { fold, identity } = extrema[op];
    return {
      begin: result.set(f32x4.const(identity)),
      add: (s, lanes, inside) => s.add(result.set(fold(result, masked(lanes, inside, identity)))),
      end: foldLanes(result, fold),
    };
  }

  /** Adds each lane to its column's sum in memory. */
  private perColumn(pointer: Local): Accumulator {
    const to = i32.add(pointer, i32.shl(this.at, i32.const(1)));
    return {
      begin: [],
      add: (s, lanes, inside) => {
        const added = s.let(masked(lanes, inside));
        s.add(
          v128.store(to, f64x2.add(v128.load(to), f64x2.fromLowF32x4(added))),
          v128.store(to, f64x2.add(v128.load(to, 16), f64x2.fromLowF32x4(highHalf(added))), 16),
        );
      },
      end: [],
    };
  }

  /** Adds the row's sum to one sum in memory. */
  private total(pointer: Local): Accumulator {
    const sum = new DoubleSum(this.f);
    return {
      begin: sum.clear(),
      add: (s, lanes, inside) => s.add(sum.add(s.let(masked(lanes, inside)))),
      end: f64.store(pointer, f64.add(f64.load(pointer), sum.total())),
    };
  }
}
