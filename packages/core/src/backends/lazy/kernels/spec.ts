/**
 * What a fused kernel computes: a straight-line program over the elements of one iteration space, of which the innermost
 * axis runs in vectors. Equal texts are equal kernels: sizes, strides, addresses and numbers are parameters.
 */
import type { BinaryOp, UnaryOp } from "../../../backend/backend.ts";

/** Four lanes of float32, of int32, or of truth values (all bits or none; a byte each in memory). */
export type Lane = "float32" | "int32" | "bool";

/** How an operand runs along the innermost axis: element by element, or one element for the whole row. */
export type Run = "vector" | "single";

export type Step =
  | { readonly kind: "input"; readonly input: number; readonly lane: Lane }
  | { readonly kind: "scalar"; readonly scalar: number; readonly lane: Lane }
  | { readonly kind: "unary"; readonly op: UnaryOp; readonly a: number; readonly lane: Lane }
  | { readonly kind: "binary"; readonly op: BinaryOp; readonly a: number; readonly b: number; readonly lane: Lane }
  | { readonly kind: "clip"; readonly a: number; readonly low: number; readonly high: number; readonly lane: Lane }
  | { readonly kind: "where"; readonly test: number; readonly a: number; readonly b: number; readonly lane: Lane }
  | { readonly kind: "cast"; readonly a: number; readonly lane: Lane }
  /** Over the innermost axis: one number for the row, which later steps may use. */
  | { readonly kind: "reduce"; readonly op: RowReduction; readonly a: number; readonly lane: Lane };

type RowReduction = "sum" | "max" | "min";

/** A sum over outer axes too, gathered in double precision in memory: per column, or one number for whole rows. */
interface Gathering {
  readonly a: number;
  readonly run: Run;
}

export interface KernelSpec {
  /** Loops, the innermost included: at least 1. */
  readonly rank: number;
  readonly inputs: readonly { readonly lane: Lane; readonly run: Run }[];
  /** The lane in which each number is given. */
  readonly scalars: readonly Lane[];
  readonly steps: readonly Step[];
  readonly outputs: readonly { readonly step: number; readonly run: Run }[];
  readonly gatherings: readonly Gathering[];
}

/** Where a kernel's parameters stand, in 32-bit words. */
interface ParameterLayout {
  readonly words: number;
  extent(axis: number): number;
  /** The address of operand i (inputs, then outputs, then gatherings); its increments per axis follow. */
  pointer(i: number): number;
  scalar(i: number): number;
}

export function parameterLayout(spec: KernelSpec): ParameterLayout {
  const operands = spec.inputs.length + spec.outputs.length + spec.gatherings.length;
  const first = spec.rank;
  const scalars = first + operands * spec.rank;
  return {
    words: scalars + spec.scalars.length,
    extent: (axis) => axis,
    pointer: (i) => first + i * spec.rank,
    scalar: (i) => scalars + i,
  };
}

/** Whether a step has one value for a whole row, and after how many passes over the row it is known. */
export interface Standing {
  readonly uniform: boolean;
  readonly level: number;
}

export function operandsOf(step: Step): number[] {
  switch (step.kind) {
    case "input":
    case "scalar":
      return [];
    case "unary":
    case "cast":
    case "reduce":
      return [step.a];
    case "binary":
      return [step.a, step.b];
    case "clip":
      return [step.a, step.low, step.high];
    case "where":
      return [step.test, step.a, step.b];
  }
}

export function standings(spec: KernelSpec): Standing[] {
  const result: Standing[] = [];
  for (const step of spec.steps) {
    const operands = operandsOf(step).map((i) => result[i]!);
    const level = operands.reduce((most, operand) => Math.max(most, operand.level), 0);
    if (step.kind === "reduce") result.push({ uniform: true, level: level + 1 });
    else if (step.kind === "input") result.push({ uniform: spec.inputs[step.input]!.run === "single", level: 0 });
    else result.push({ uniform: operands.every((operand) => operand.uniform), level });
  }
  return result;
}
