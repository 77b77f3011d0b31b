/** Whole derivative matrices, and products with second derivatives. */
import { Runs } from "../effects/index.ts";
import { PullbackError } from "../errors.ts";
import { type Any, isLeaf, vectorOf } from "../protocol/index.ts";
import { add } from "../shadows/index.ts";
import { structureOf } from "../structure/index.ts";
import type { HessianOperator, HessianVectorProductOperator, JacobianOperator } from "../types/index.ts";
import { derivative, differential, linear, padded, planFor } from "./forward.ts";
import { gradient, valueWithPullback } from "./reverse.ts";
import { selectionOf } from "./sweep.ts";

/**
 * The Jacobian of a function of one number, array of numbers or leaf, whose result is one of these: for a leaf result of
 * shape `out` and an argument of shape `in` a leaf of shape `[...out, ...in]`; arrays give nested lists, `[i][j]` being
 * the derivative of result i with respect to argument j, and a number no level of nesting. A list of leaves for an array
 * of results of a leaf. Reverse mode, one sweep per result, unless there are fewer arguments than results and both are
 * numbers or arrays of them: then forward mode, one run per argument, where `f` has it.
 *
 * Throws PB2012 for other arguments and results, and what `pullback` and `differential` throw.
 */
export const jacobian = ((f: Any) => {
  requireOneParameter(f, "jacobian");
  const { carried, mask } = selectionOf(f);
  const forward = carried.variants[mask]?.jvp !== undefined || carried.registered?.jvp !== undefined;
  return (x: Any): Any => {
    const n = sizeOf(x, "jacobian");
    const runs = new Runs(() => [x]);
    const { value, pullback } = runs.first(() => valueWithPullback(f)(x)) as {
      value: Any;
      pullback: (cotangent: Any) => Any;
    };
    const m = sizeOf(value, "jacobian");
    if (!forward || isLeaf(value) || isLeaf(x) || m <= n) {
      const rows = Array.from({ length: m }, (_, i) => listed(pullback(unit(value, i))));
      return assembled(rows, value);
    }
    const plan = planFor(f);
    const push = linear(plan, padded(plan, [x]), runs);
    const columns = Array.from({ length: n }, (_, j) => listed(push(unit(x, j))));
    return typeof x === "number" ? columns[0] : transposed(columns, m);
  };
}) as JacobianOperator;

/**
 * The Hessian of a function of one number, array of numbers or leaf with a scalar result: forward mode over the
 * gradient, one run per argument. `[i][j]` for arrays, shape `[...in, ...in]` for a leaf. Throws PB2012 for others.
 */
export const hessian = ((f: Any) => {
  requireOneParameter(f, "hessian");
  const slope = gradient(f) as Any;
  const slopeOfNumber = derivative(slope) as Any;
  const push = differential(slope) as Any;
  return (x: Any): Any => {
    if (typeof x === "number") return slopeOfNumber(x);
    const n = sizeOf(x, "hessian");
    const at = push(x);
    const columns = Array.from({ length: n }, (_, j) => listed(at(unit(x, j))));
    // Symmetric: a column of a leaf's Hessian is a row of it.
    return isLeaf(x) ? assembled(columns, x) : transposed(columns, n);
  };
}) as HessianOperator;

/**
 * The product of the Hessian of a function of one parameter, of any differentiable type, with a tangent v: forward mode
 * over the gradient, at a small multiple of the gradient's cost whatever the size. `hessianVectorProduct(f)(x, v)`.
 */
export const hessianVectorProduct = ((f: Any) => {
  requireOneParameter(f, "hessianVectorProduct");
  const push = differential(gradient(f) as Any) as Any;
  return (x: Any, v: Any): Any => push(x)(v);
}) as HessianVectorProductOperator;

function requireOneParameter(f: unknown, operator: string): void {
  const { selected, carried } = selectionOf(f);
  if (selected.length === 1) return;
  throw new PullbackError(
    `${operator} takes a function of one differentiable parameter, but "${carried.name}" has ${selected.length}.`,
    { code: "PB2012", hint: "Fix the others in a function literal: (x) => f(x, y)." },
  );
}

/** How many numbers a value holds. */
function sizeOf(value: Any, operator: string): number {
  if (typeof value === "number") return 1;
  if (isLeaf(value)) {
    const size = vectorOf(value).size?.(value);
    if (size !== undefined) return size;
  } else if (structureOf(value) === "floats" || (Array.isArray(value) && value.every((x) => typeof x === "number"))) {
    return value.length;
  }
  throw new PullbackError(
    `${operator} works on numbers, arrays of numbers and leaves with a basis, not on this value.`,
    {
      code: "PB2012",
      hint: "Use differential or pullback for one direction, or hessianVectorProduct.",
    },
  );
}

/** The tangent with a 1 in place i. */
function unit(value: Any, i: number): Any {
  if (typeof value === "number") return 1;
  if (isLeaf(value)) return (vectorOf(value) as Any).unit(value, i);
  const zeros = Array.isArray(value) ? new Array<number>(value.length).fill(0) : value.slice().fill(0);
  zeros[i] = 1;
  return zeros;
}

/** How many elements a leaf has, for matrices inside of differentiated code. */
export const sizeOfLeaf = (leaf: Any): number => sizeOf(leaf, "jacobian");

export const unitOfLeaf = (leaf: Any, i: number): Any => unit(leaf, i);

/** Rows put together by the elements of `like`; a row that is nothing is the zero of `row`. */
export function assembledRows(rows: readonly Any[], like: Any, row: Any): Any {
  const given = rows.map((each) => each ?? vectorOf(row).zero(row));
  return (vectorOf(like) as Any).assemble(given, like);
}

/** Adds the parts of the whole to what stands for the rows. */
export function rowsInto(shadow: Any[], whole: Any, like: Any): void {
  const parts = (vectorOf(like) as Any).disassemble(whole, like) as readonly Any[];
  parts.forEach((part, i) => {
    shadow[i] = add(shadow[i], part);
  });
}

const listed = (tangent: Any): Any => (ArrayBuffer.isView(tangent) ? Array.from(tangent as Float64Array) : tangent);

/** Rows by the structure of the result that they belong to. */
function assembled(rows: readonly Any[], value: Any): Any {
  if (typeof value === "number") return rows[0];
  return isLeaf(value) ? (vectorOf(value) as Any).assemble(rows, value) : rows;
}

const transposed = (columns: readonly Any[], m: number): Any[][] =>
  Array.from({ length: m }, (_, i) => columns.map((column) => column[i]));
