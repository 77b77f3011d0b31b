/**
 * The kernels of engines on graphics processors, as the rest of the adapter wants them: for arrays of any rank that the
 * engine can hold, right at infinities and zeros, and as exact near 0 as elsewhere. What their own kernels lack stands
 * here and in graphics-functions.ts; everything else is theirs.
 */
import { broadcastShape } from "../eager/arrays.ts";
import { graphicsBinary, graphicsUnary } from "./graphics-functions.ts";
import { Kernels, reshaped } from "./kernels.ts";
import type { Attributes, Engine, Info, Tfjs } from "./types.ts";
import { Vocabulary } from "./vocabulary.ts";

type Inputs = Record<string, Info>;

/** Most of their programs for the layout of arrays have a case for each rank up to here. */
const mostAxes = 4;

/** x as [axes before, axis, axes after]. */
function around(x: Info, axis: number): Info {
  const product = (part: readonly number[]): number => part.reduce((a, b) => a * b, 1);
  return reshaped(x, [product(x.shape.slice(0, axis)), x.shape[axis], product(x.shape.slice(axis + 1))]);
}

const withExtent = (shape: readonly number[], axis: number, extent: number): number[] =>
  shape.map((own, i) => (i === axis ? extent : own));

/** WebGL's engine runs programs of ours too. */
interface WebGLEngine extends Engine {
  runWebGLProgram?(program: Program, inputs: readonly Info[], dtype: string): Info;
}

interface Program {
  readonly variableNames: readonly string[];
  readonly outputShape: readonly number[];
  readonly userCode: string;
}

/** Its own quotient of equal operands is 1, of zeros and of infinities too. */
const quotient = "void main() { setOutput(getAAtOutCoords() / getBAtOutCoords()); }";

/** Its own maxima start from -1e20, and minima from 1e20. */
const start = 1e20;
/** Brings what is beyond that within it, exactly. */
const scale = 2 ** -64;

export class GraphicsKernels extends Kernels {
  override readonly isGraphics = true;
  protected readonly words: Vocabulary;

  constructor(tfjs: Tfjs, engine: Engine, engineName: string, device: string) {
    super(tfjs, engine, engineName, device);
    this.words = new Vocabulary(this);
  }

  override run(kernel: string, inputs: Inputs | readonly Info[], attrs: Attributes = {}): Info {
    if (Array.isArray(inputs)) return super.run(kernel, inputs, attrs);
    const { x, a, b, condition, t, e } = inputs as Inputs;
    const own = (): Info => super.run(kernel, inputs, attrs);
    if (x !== undefined) {
      const folded = x.shape.length > mostAxes ? this.axisByAxis(kernel, x, attrs) : undefined;
      if (folded !== undefined) return folded;
      if (x.dtype !== "float32") return own();
      if (kernel === "Max" || kernel === "Min") return this.extremum(kernel, x, attrs);
      return graphicsUnary[kernel]?.(this.words, x, (y) => super.run(kernel, { x: y })) ?? own();
    }
    if (a !== undefined && a.dtype === "float32") {
      if (kernel === "RealDiv") return this.quotient(a, b) ?? own();
      return graphicsBinary[kernel]?.(this.words, a, b, (y, z) => super.run(kernel, { a: y, b: z })) ?? own();
    }
    if (kernel !== "Select" || condition.shape.length <= mostAxes) return own();
    const flat = (y: Info): Info => reshaped(y, [y.shape.reduce((n, extent) => n * extent, 1)]);
    return reshaped(super.run(kernel, { condition: flat(condition), t: flat(t), e: flat(e) }), condition.shape);
  }

  /** What moves or joins elements along axes, one axis after the other. */
  private axisByAxis(kernel: string, x: Info, attrs: Attributes): Info | undefined {
    const along = (y: Info, axis: number, extent: number, own: Attributes): Info =>
      reshaped(super.run(kernel, { x: around(y, axis) }, own), withExtent(y.shape, axis, extent));
    if (kernel === "PadV2") {
      const { paddings, constantValue } = attrs as { paddings: [number, number][]; constantValue: number };
      const pad = (y: Info, [before, after]: [number, number], axis: number): Info => {
        const own = { paddings: [[0, 0], [before, after], [0, 0]], constantValue }; // biome-ignore format: three axes
        return before + after === 0 ? y : along(y, axis, before + y.shape[axis] + after, own);
      };
      return paddings.reduce(pad, x);
    }
    if (kernel === "Tile") {
      const repeat = (y: Info, count: number, axis: number): Info =>
        count === 1 ? y : along(y, axis, y.shape[axis] * count, { reps: [1, count, 1] });
      return (attrs.reps as number[]).reduce(repeat, x);
    }
    if (kernel === "Reverse")
      return (attrs.dims as number[]).reduce((y, axis) => along(y, axis, y.shape[axis], { dims: [1] }), x);
    if (kernel === "Cumsum" || kernel === "Cumprod") {
      const axis = attrs.axis as number;
      return along(x, axis, x.shape[axis], { ...attrs, axis: 1 });
    }
    return undefined;
  }

  private quotient(a: Info, b: Info): Info | undefined {
    const engine = this.engine as WebGLEngine;
    if (engine.runWebGLProgram === undefined) return undefined;
    const outputShape = broadcastShape(a.shape, b.shape);
    const program = { variableNames: ["A", "B"], outputShape, userCode: quotient };
    return this.record(engine.runWebGLProgram(program, [a, b], "float32"));
  }

  private extremum(kernel: "Max" | "Min", x: Info, attrs: Attributes): Info {
    const { words: w } = this;
    const near = super.run(kernel, { x }, attrs);
    const far = w.mul(super.run(kernel, { x: w.mul(x, scale) }, attrs), 1 / scale);
    const isFar = kernel === "Max" ? w.less(near, -0.9 * start) : w.greater(near, 0.9 * start);
    return w.where(isFar, far, near);
  }
}
