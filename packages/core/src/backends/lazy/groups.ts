/**
 * Which nodes are computed together. A group is one loop nest over one shape: elementwise nodes of that shape,
 * reductions of it, and nodes of the reduced shape that later elements need (the mean and root of a normalisation). A
 * node joins the group of an operand that it reads element for element, unless something in between stands in the way.
 */
import type { NDArray } from "../../backend/backend.ts";
import { rowMajorStrides, sameShape, sizeOf } from "../../shape.ts";
import { broadcastStrides } from "../eager/arrays.ts";
import type { Meaning, Node } from "./graph.ts";
import type { Lane } from "./kernels/index.ts";
import { binaryCode, unaryCode } from "./kernels/index.ts";
import type { Segment } from "./segment.ts";

/**
 * How the result of a node lies in its group's loops: over the whole shape; over the shape with its row axes reduced; or
 * summed over other axes, complete only when the loops are through.
 */
export type Extent = "whole" | "rows" | "gathered";

export interface Group {
  readonly nodes: number[];
  /** The shape of the loop nest; undefined for a node that the eager backend runs alone. */
  readonly shape: readonly number[] | undefined;
  /** The axes that make up a row, when something is reduced over them. */
  row: readonly number[] | undefined;
}

const mostNodes = 48;
const mostOperands = 20;

const lanes: ReadonlySet<string> = new Set<Lane>(["float32", "int32", "bool"]);

/** Whether a fused kernel can compute the node. */
function isFusible(node: Node): boolean {
  const { meaning } = node.primitive;
  const value = node.values[0]!;
  if (meaning === undefined || meaning.kind === "fill" || sizeOf(value.shape) === 0) return false;
  if (!lanes.has(value.dtype) || node.operands.some(({ dtype }) => !lanes.has(dtype))) return false;
  const lane = node.operands[0]!.dtype as Lane;
  return hasCode(meaning, lane, node) && iterationShape(node) !== undefined;
}

function hasCode(meaning: Meaning, lane: Lane, node: Node): boolean {
  switch (meaning.kind) {
    case "unary":
      return unaryCode(meaning.op, lane) !== undefined;
    case "binary":
    case "binaryScalar":
      return binaryCode(meaning.op, lane) !== undefined;
    case "clip":
      return lane === "float32";
    case "reduce":
      return lane === "float32" && (meaning.op === "sum" || meaning.op === "max" || meaning.op === "min");
    case "copy":
      return node.operands[0]!.strides.at(-1) === 1;
    default:
      return true;
  }
}

/** The shape a node iterates over, when its operands run along that shape's innermost axis by steps of 1 or 0. */
function iterationShape(node: Node): readonly number[] | undefined {
  const shape = node.primitive.meaning?.kind === "reduce" ? node.operands[0]!.shape : node.values[0]!.shape;
  const inner = shape.findLastIndex((extent) => extent !== 1);
  if (inner < 0) return shape;
  const runs = node.operands.every((operand) => {
    const stride = broadcastStrides(operand, shape)[inner]!;
    return stride === 0 || stride === 1;
  });
  return runs ? shape : undefined;
}

/** `shape` with the row axes at extent 1. */
function rowShape(shape: readonly number[], row: readonly number[]): number[] {
  return shape.map((extent, axis) => (row.includes(axis) ? 1 : extent));
}

/** Strides over `shape` of a contiguous array of the shape with `row` reduced. */
export function rowStrides(shape: readonly number[], row: readonly number[]): number[] {
  return rowMajorStrides(rowShape(shape, row)).map((stride, axis) => (row.includes(axis) ? 0 : stride));
}

/** Strides over `shape` of the contiguous result of a reduction. */
export function gatheredStrides(shape: readonly number[], result: readonly number[]): number[] {
  return rowMajorStrides(result).map((stride, axis) => (result[axis] === shape[axis] ? stride : 0));
}

/** Whether two lists of strides reach the same elements of a shape. */
function sameStrides(shape: readonly number[], a: readonly number[], b: readonly number[]): boolean {
  return shape.every((extent, axis) => extent === 1 || a[axis] === b[axis]);
}

/** The axes of extent beyond 1 are a suffix: then reducing them is reducing rows. */
function isRow(shape: readonly number[], axes: readonly number[]): boolean {
  const first = axes.find((axis) => shape[axis] !== 1);
  return first !== undefined && shape.every((extent, axis) => axis < first || extent === 1 || axes.includes(axis));
}

function nontrivial(shape: readonly number[], axes: readonly number[]): number[] {
  return axes.filter((axis) => shape[axis] !== 1);
}

export class Grouping {
  private readonly segment: Segment;
  private readonly groups: (Group | undefined)[] = [];
  private readonly groupOf: number[] = [];
  private readonly extents: Extent[] = [];
  /** For each group the groups it depends on, however indirectly: a bit each. */
  private readonly ancestors: Uint32Array[] = [];
  private readonly words: number;

  constructor(segment: Segment) {
    this.segment = segment;
    this.words = (segment.nodes.length + 31) >>> 5;
    for (let i = 0; i < segment.nodes.length; i++) this.place(i);
  }

  /** The groups in an order in which they can run. */
  ordered(): Group[] {
    const result: Group[] = [];
    const state = new Uint8Array(this.groups.length);
    const visit = (id: number): void => {
      if (state[id] !== 0) return;
      state[id] = 1;
      const group = this.groups[id]!;
      for (const node of group.nodes) for (const other of this.groupsRead(node)) if (other !== id) visit(other);
      result.push(group);
    };
    const ids = this.groups.flatMap((group, id) => (group === undefined ? [] : [id]));
    ids.sort((a, b) => this.groups[a]!.nodes.at(-1)! - this.groups[b]!.nodes.at(-1)!);
    for (const id of ids) visit(id);
    return result;
  }

  extentOf(node: number): Extent {
    return this.extents[node]!;
  }

  private groupsRead(node: number): number[] {
    const result: number[] = [];
    for (const slot of this.segment.reads[node]!)
      if (slot >= 0) {
        const id = this.groupOf[this.segment.producer[slot]!]!;
        if (!result.includes(id)) result.push(id);
      }
    return result;
  }

  private place(i: number): void {
    const node = this.segment.nodes[i]!;
    const fusible = isFusible(node);
    this.ancestors.push(new Uint32Array(this.words));
    this.groups.push(undefined);
    this.extents.push("whole");
    const read = this.groupsRead(i);
    if (fusible) {
      let home: number | undefined;
      for (const id of read) {
        if (home === undefined) {
          if (this.joins(i, id)) {
            home = id;
            this.add(i, id);
          }
        } else if (this.merges(i, home, id)) this.merge(home, id);
      }
      if (home !== undefined) return;
    }
    const meaning = node.primitive.meaning;
    let shape = fusible ? iterationShape(node) : undefined;
    let row: number[] | undefined;
    if (shape !== undefined && meaning?.kind === "reduce") {
      if (isRow(shape, meaning.axes)) row = nontrivial(shape, meaning.axes);
      if (row === undefined || !this.rowsStay(shape, row, [i])) {
        shape = undefined;
        row = undefined;
      }
    }
    this.groups[i] = { nodes: [i], shape, row };
    if (row !== undefined) this.extents[i] = "rows";
    this.groupOf[i] = i;
    this.dependOn(i, read);
  }

  /** Whether node i can be computed in the loop nest of a group that it reads. Sets its extent there. */
  private joins(i: number, id: number): boolean {
    const group = this.groups[id]!;
    if (group.shape === undefined || group.nodes.length >= mostNodes) return false;
    if (this.groupsRead(i).some((other) => other !== id && this.dependsOn(other, id))) return false;
    const found = this.extentIn(i, group, (slot) => this.groupOf[this.segment.producer[slot]!] === id);
    if (found === undefined || this.operandCount([...group.nodes, i], id) > mostOperands) return false;
    const row = found.row ?? group.row;
    if (row !== undefined && !this.rowsStay(group.shape, row, [...group.nodes, i])) return false;
    group.row = row;
    this.extents[i] = found.extent;
    return true;
  }

  /** How node i would lie in a group: undefined when it reads something of the group in another way than its loops go. */
  private extentIn(
    i: number,
    group: Group,
    isInside: (slot: number) => boolean,
  ): { readonly extent: Extent; readonly row?: readonly number[] } | undefined {
    const node = this.segment.nodes[i]!;
    const shape = group.shape!;
    const meaning = node.primitive.meaning!;
    const space = iterationShape(node)!;
    const overRows =
      group.row !== undefined && !sameShape(space, shape) && sameShape(space, rowShape(shape, group.row));
    if (!overRows && !sameShape(space, shape)) return undefined;
    for (let j = 0; j < node.operands.length; j++) {
      const slot = this.segment.reads[i]![j]!;
      if (slot < 0 || !isInside(slot)) continue;
      const extent = this.extents[this.segment.producer[slot]!]!;
      if (extent === "gathered") return undefined;
      if (!this.isAligned(node.operands[j]!, space, shape, extent === "rows" ? group.row : undefined)) return undefined;
      if (overRows && extent !== "rows") return undefined;
    }
    if (meaning.kind !== "reduce") return { extent: overRows ? "rows" : "whole" };
    if (overRows) return undefined;
    const axes = nontrivial(shape, meaning.axes);
    if (isRow(shape, meaning.axes) && (group.row === undefined || sameShape(group.row, axes)))
      return { extent: "rows", row: axes };
    return meaning.op === "sum" ? { extent: "gathered" } : undefined;
  }

  /** Whether an operand reads a result of the group where the loops stand. */
  private isAligned(
    operand: NDArray,
    space: readonly number[],
    shape: readonly number[],
    row: readonly number[] | undefined,
  ): boolean {
    if (operand.offset !== 0) return false;
    const strides = broadcastStrides(operand, space);
    return sameStrides(space, strides, row === undefined ? rowMajorStrides(shape) : rowStrides(shape, row));
  }

  /** Whether the row axes would still be the innermost loop and nothing else: every operand runs on over them. */
  private rowsStay(shape: readonly number[], row: readonly number[], nodes: readonly number[]): boolean {
    const runsOn = (strides: readonly number[]): boolean =>
      row.every((axis, k) => k === 0 || strides[row[k - 1]!] === strides[axis]! * shape[axis]!);
    for (const i of nodes) {
      const node = this.segment.nodes[i]!;
      for (const operand of node.operands)
        if (operand.shape.length > shape.length || !runsOn(broadcastStrides(operand, shape))) return false;
      // The sums of a reduction over other axes than the row are an operand too.
      const meaning = node.primitive.meaning!;
      if (meaning.kind === "reduce" && !sameShape(nontrivial(shape, meaning.axes), row))
        if (!runsOn(gatheredStrides(shape, node.values[0]!.shape))) return false;
    }
    return true;
  }

  private merges(i: number, home: number, id: number): boolean {
    const a = this.groups[home]!;
    const b = this.groups[id]!;
    if (b.shape === undefined || !sameShape(a.shape!, b.shape)) return false;
    if (a.row !== undefined && b.row !== undefined && !sameShape(a.row, b.row)) return false;
    const nodes = [...a.nodes, ...b.nodes];
    if (nodes.length > mostNodes || this.operandCount(nodes, home, id) > mostOperands) return false;
    // Each reads of the other, if at all, what its loops have at hand.
    const merged: Group = { nodes, shape: a.shape, row: a.row ?? b.row };
    const inside = (slot: number): boolean => {
      const owner = this.groupOf[this.segment.producer[slot]!];
      return owner === home || owner === id;
    };
    for (const node of nodes) {
      const found = this.extentIn(node, merged, inside);
      if (found === undefined || found.extent !== this.extents[node]) return false;
    }
    if (this.extentIn(i, merged, inside) === undefined) return false;
    if (merged.row !== undefined && !this.rowsStay(merged.shape!, merged.row, nodes)) return false;
    for (let other = 0; other < this.groups.length; other++) {
      if (other === home || other === id || this.groups[other] === undefined) continue;
      const after = this.dependsOn(other, home) || this.dependsOn(other, id);
      if (after && (this.dependsOn(home, other) || this.dependsOn(id, other))) return false;
    }
    return true;
  }

  /** Distinct operands from outside, and results. */
  private operandCount(nodes: readonly number[], ...ids: number[]): number {
    const outside = new Set<unknown>();
    for (const i of nodes) {
      this.segment.nodes[i]!.operands.forEach((operand, j) => {
        const slot = this.segment.reads[i]![j]!;
        const owner = slot < 0 ? -1 : this.groupOf[this.segment.producer[slot]!]!;
        if (!ids.includes(owner)) outside.add(operand.storage);
      });
    }
    return outside.size;
  }

  private add(i: number, id: number): void {
    this.groups[id]!.nodes.push(i);
    this.groupOf[i] = id;
    this.dependOn(
      id,
      this.groupsRead(i).filter((other) => other !== id),
    );
  }

  private merge(home: number, id: number): void {
    const a = this.groups[home]!;
    const b = this.groups[id]!;
    a.nodes.push(...b.nodes);
    a.nodes.sort((x, y) => x - y);
    a.row ??= b.row;
    for (const node of b.nodes) this.groupOf[node] = home;
    this.groups[id] = undefined;
    const union = this.ancestors[home]!;
    this.ancestors[id]!.forEach((word, k) => {
      union[k]! |= word;
    });
    for (const [other, bits] of this.ancestors.entries())
      if (other !== home && this.dependsOn(other, id)) bits[home >>> 5]! |= 1 << (home & 31);
    union[home >>> 5]! &= ~(1 << (home & 31));
    this.dependOn(home, []);
  }

  private dependsOn(id: number, other: number): boolean {
    return ((this.ancestors[id]![other >>> 5]! >>> (other & 31)) & 1) === 1;
  }

  /** Lets a group, and what depends on it, depend on others. */
  private dependOn(id: number, others: readonly number[]): void {
    const bits = this.ancestors[id]!;
    for (const other of others) {
      bits[other >>> 5]! |= 1 << (other & 31);
      const theirs = this.ancestors[other]!;
      for (let k = 0; k < this.words; k++) bits[k]! |= theirs[k]!;
    }
    for (let dependent = 0; dependent < this.ancestors.length; dependent++)
      if (dependent !== id && this.dependsOn(dependent, id)) {
        const theirs = this.ancestors[dependent]!;
        for (let k = 0; k < this.words; k++) theirs[k]! |= bits[k]!;
      }
  }
}
