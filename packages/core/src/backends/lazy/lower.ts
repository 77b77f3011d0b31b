/** From a group of nodes to a kernel and the places where its parameters come from. */
import { rowMajorStrides, sizeOf } from "../../shape.ts";
import { broadcastStrides } from "../eager/arrays.ts";
import type { Node } from "./graph.ts";
import { type Extent, type Group, gatheredStrides, rowStrides } from "./groups.ts";
import {
  binaryCode,
  type KernelSpec,
  type Lane,
  operandsOf,
  parameterLayout,
  type Run,
  type Step,
  standings,
  unaryCode,
} from "./kernels/index.ts";
import type { Place, Segment } from "./segment.ts";

/** A kernel with its fixed parameters, and what each run has to fill in: the word where it goes, and its origin. */
export interface Lowered {
  readonly spec: KernelSpec;
  readonly block: Int32Array;
  readonly inputs: readonly (Place & { readonly word: number })[];
  readonly scalars: readonly { node: number; scalar: number; word: number; lane: Lane }[];
  readonly outputs: readonly { readonly slot: number; readonly word: number }[];
  readonly gatherings: readonly { readonly slot: number; readonly word: number; readonly size: number }[];
  readonly division: Division;
}

/** How the outermost loop of a kernel is divided between threads. */
export interface Division {
  /** Its length, and the word where it stands. */
  readonly extent: number;
  readonly word: number;
  /** Shares are multiples of this; undefined where the loop cannot be divided. */
  readonly step: number | undefined;
  /** Steps of the kernel's program for each of its iterations. */
  readonly work: number;
  /** The words of all pointers, and how many bytes each moves in an iteration. */
  readonly pointers: readonly { readonly word: number; readonly bytes: number }[];
}

const laneBytes: Record<Lane, number> = { float32: 4, int32: 4, bool: 1 };

/** Steps that cost more than a store and a load. */
const dear: ReadonlySet<string> = new Set([
  "exp",
  "log",
  "tanh",
  "sigmoid",
  "erf",
  "softplus",
  "logSigmoid",
  "silu",
  "geluTanh",
  "geluTanhDerivative",
]);

/** `needed` says which slots somebody outside the group reads. */
export function lower(
  segment: Segment,
  group: Group,
  extentOf: (node: number) => Extent,
  needed: (slot: number) => boolean,
): Lowered {
  return new Lowering(segment, group, extentOf).finish(needed);
}

class Lowering {
  private readonly segment: Segment;
  private readonly group: Group;
  private readonly shape: readonly number[];
  private readonly extentOf: (node: number) => Extent;
  private readonly steps: Step[] = [];
  private readonly stepOfNode = new Map<number, number>();
  private readonly inputs: (Place & { readonly lane: Lane; readonly strides: number[] })[] = [];
  private readonly inputByKey = new Map<string, number>();
  private readonly scalars: { node: number; scalar: number; lane: Lane }[] = [];
  private readonly scalarByKey = new Map<string, number>();

  constructor(segment: Segment, group: Group, extentOf: (node: number) => Extent) {
    this.segment = segment;
    this.group = group;
    this.shape = group.shape!;
    this.extentOf = extentOf;
    for (const i of group.nodes) {
      if (extentOf(i) === "gathered") this.stepOfNode.set(i, this.operand(i, 0));
      else this.stepOfNode.set(i, this.push(this.stepOf(i, segment.nodes[i]!)));
    }
  }

  finish(needed: (slot: number) => boolean): Lowered {
    const { segment, group, shape, steps, inputs, scalars } = this;
    const slots = new Map(group.nodes.map((i) => [i, segment.firstSlot[i]!]));
    const sums = group.nodes.filter((i) => this.extentOf(i) === "gathered");
    const stored = group.nodes.filter((i) => this.extentOf(i) !== "gathered" && needed(slots.get(i)!));
    for (const i of this.worthStoring()) if (!stored.includes(i)) stored.push(i);
    const strides = [
      ...inputs.map((input) => input.strides),
      ...stored.map((i) => (this.extentOf(i) === "rows" ? rowStrides(shape, group.row!) : rowMajorStrides(shape))),
      ...sums.map((i) => gatheredStrides(shape, segment.nodes[i]!.values[0]!.shape)),
    ];
    const operands = strides.length;
    // Rows stay rows, even when nothing outside sees what is reduced over them.
    if (group.row !== undefined) strides.push(rowStrides(shape, group.row));
    const nest = merged(shape, strides);
    const rank = nest.extents.length;
    const run = (k: number): Run => (nest.strides[k]![rank - 1] === 0 ? "single" : "vector");
    const spec: KernelSpec = {
      rank,
      inputs: inputs.map(({ lane }, k) => ({ lane, run: run(k) })),
      scalars: scalars.map(({ lane }) => lane),
      steps,
      outputs: stored.map((i) => ({
        step: this.stepOfNode.get(i)!,
        run: this.extentOf(i) === "rows" ? "single" : "vector",
      })),
      gatherings: sums.map((i, k) => ({
        a: this.stepOfNode.get(i)!,
        run: run(inputs.length + stored.length + k),
      })),
    };
    const layout = parameterLayout(spec);
    const block = new Int32Array(layout.words);
    nest.extents.forEach((extent, axis) => {
      block[layout.extent(axis)] = extent;
    });
    const bytes = [
      ...inputs.map(({ lane }) => laneBytes[lane]),
      ...stored.map((i) => laneBytes[segment.nodes[i]!.values[0]!.dtype as Lane]),
      ...sums.map(() => 8),
    ];
    nest.strides.slice(0, operands).forEach((own, k) => {
      for (let axis = 0; axis < rank - 1; axis++) {
        // Inner loops have moved the pointer on; the innermost does not move it.
        const moved = axis < rank - 2 ? nest.extents[axis + 1]! * own[axis + 1]! : 0;
        block[layout.pointer(k) + 1 + axis] = (own[axis]! - moved) * bytes[k]!;
      }
    });
    const division: Division = {
      extent: nest.extents[0]!,
      word: layout.extent(0),
      step: stepOf(spec, nest.extents),
      work: steps.length * sizeOf(nest.extents.slice(1)),
      pointers: bytes.map((size, k) => ({ word: layout.pointer(k), bytes: nest.strides[k]![0]! * size })),
    };
    return {
      spec,
      block,
      division,
      inputs: inputs.map(({ node, operand }, k) => ({ node, operand, word: layout.pointer(k) })),
      scalars: scalars.map((scalar, k) => ({ ...scalar, word: layout.scalar(k) })),
      outputs: stored.map((i, k) => ({ slot: slots.get(i)!, word: layout.pointer(inputs.length + k) })),
      gatherings: sums.map((i, k) => ({
        slot: slots.get(i)!,
        word: layout.pointer(inputs.length + stored.length + k),
        size: sizeOf(segment.nodes[i]!.values[0]!.shape),
      })),
    };
  }

  /** Nodes whose elements a later pass over the row reads, where reading costs less than computing again. */
  private worthStoring(): number[] {
    const { steps, inputs } = this;
    const runs = inputs.map((input) => ({ lane: input.lane, run: this.runsInner(input.strides) }));
    const standing = standings({ rank: 1, inputs: runs, scalars: [], steps, outputs: [], gatherings: [] });
    const cost: number[] = [];
    const isWorth = new Set<number>();
    steps.forEach((step, k) => {
      const operands = operandsOf(step);
      let sum = step.kind === "unary" && dear.has(step.op) ? 8 : 1;
      for (const o of operands) {
        if (standing[o]!.uniform) continue;
        const crosses = step.kind !== "reduce" && standing[o]!.level < standing[k]!.level && !standing[k]!.uniform;
        if (crosses && cost[o]! >= 6 && steps[o]!.kind !== "input") isWorth.add(o);
        sum += cost[o]!;
      }
      cost.push(standing[k]!.uniform ? 0 : sum);
    });
    return this.group.nodes.filter((i) => this.extentOf(i) === "whole" && isWorth.has(this.stepOfNode.get(i)!));
  }

  private runsInner(strides: readonly number[]): Run {
    const inner = this.shape.findLastIndex((extent) => extent !== 1);
    return inner < 0 || strides[inner] === 0 ? "single" : "vector";
  }

  private push(step: Step): number {
    this.steps.push(step);
    return this.steps.length - 1;
  }

  private stepOf(i: number, node: Node): Step {
    const meaning = node.primitive.meaning!;
    const lane = node.values[0]!.dtype as Lane;
    const from = node.operands[0]!.dtype as Lane;
    switch (meaning.kind) {
      case "unary":
        return { kind: "unary", op: meaning.op, a: this.operand(i, 0), lane: unaryCode(meaning.op, from)!.lane };
      case "binary": {
        const { lane: result } = binaryCode(meaning.op, from)!;
        return { kind: "binary", op: meaning.op, a: this.operand(i, 0), b: this.operand(i, 1), lane: result };
      }
      case "binaryScalar": {
        const { lane: result } = binaryCode(meaning.op, from)!;
        const x = this.operand(i, 0);
        const number = this.scalar(i, 0, from);
        const [a, b] = meaning.reversed ? [number, x] : [x, number];
        return { kind: "binary", op: meaning.op, a, b, lane: result };
      }
      case "clip":
        return {
          kind: "clip",
          a: this.operand(i, 0),
          low: this.scalar(i, 0, lane),
          high: this.scalar(i, 1, lane),
          lane,
        };
      case "where":
        return { kind: "where", test: this.operand(i, 0), a: this.operand(i, 1), b: this.operand(i, 2), lane };
      case "reduce":
        return { kind: "reduce", op: meaning.op as "sum" | "max" | "min", a: this.operand(i, 0), lane };
      default:
        return { kind: "cast", a: this.operand(i, 0), lane };
    }
  }

  private operand(i: number, j: number): number {
    const { segment } = this;
    const array = segment.nodes[i]!.operands[j]!;
    const slot = segment.reads[i]![j]!;
    if (slot >= 0) {
      const producer = segment.producer[slot]!;
      const own = this.stepOfNode.get(producer);
      if (own !== undefined) return own;
      if (isConstant(segment.nodes[producer]!)) return this.scalar(producer, 0, array.dtype as Lane);
    }
    const strides = broadcastStrides(array, this.shape);
    const source = slot >= 0 ? `${slot}+${array.offset}` : `outside ${segment.sources[i]![j]!}`;
    const key = `${source} ${array.dtype} ${strides}`;
    let known = this.inputByKey.get(key);
    if (known === undefined) {
      const lane = array.dtype as Lane;
      this.inputs.push({ node: i, operand: j, lane, strides });
      known = this.push({ kind: "input", input: this.inputs.length - 1, lane });
      this.inputByKey.set(key, known);
    }
    return known;
  }

  private scalar(node: number, scalar: number, lane: Lane): number {
    const key = `${node} ${scalar}`;
    let known = this.scalarByKey.get(key);
    if (known === undefined) {
      this.scalars.push({ node, scalar, lane });
      known = this.push({ kind: "scalar", scalar: this.scalars.length - 1, lane });
      this.scalarByKey.set(key, known);
    }
    return known;
  }
}

/** In what steps the outermost loop may be divided. */
function stepOf(spec: KernelSpec, extents: readonly number[]): number | undefined {
  const hasRows = spec.steps.some((step) => step.kind === "reduce") || spec.outputs.some(({ run }) => run === "single");
  if (spec.rank === 1) return hasRows ? undefined : 16;
  // Rows that are no whole vectors write into the next one, which must then come later.
  return spec.outputs.some(({ run }) => run === "vector") && extents.at(-1)! % 4 !== 0 ? undefined : 1;
}

/** A node that is one number everywhere: kernels take the number. */
export function isConstant(node: Node): boolean {
  const dtype = node.values[0]!.dtype;
  return node.primitive.meaning?.kind === "fill" && (dtype === "float32" || dtype === "int32" || dtype === "bool");
}

/** The loops over a shape, with neighbouring axes merged where all operands run on. */
function merged(shape: readonly number[], strides: readonly number[][]): { extents: number[]; strides: number[][] } {
  const extents: number[] = [];
  const own: number[][] = strides.map(() => []);
  shape.forEach((extent, axis) => {
    if (extent === 1) return;
    const last = extents.length - 1;
    if (last >= 0 && strides.every((steps, k) => own[k]![last] === steps[axis]! * extent)) {
      extents[last]! *= extent;
      strides.forEach((steps, k) => {
        own[k]![last] = steps[axis]!;
      });
    } else {
      extents.push(extent);
      strides.forEach((steps, k) => {
        own[k]!.push(steps[axis]!);
      });
    }
  });
  if (extents.length === 0) {
    extents.push(1);
    for (const steps of own) steps.push(0);
  }
  return { extents, strides: own };
}
