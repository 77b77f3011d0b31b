/** Runs nodes one by one on the eager backend: for traces seen the first time, and where fused code does not reach. */
import type { Backend, NDArray } from "../../backend/backend.ts";
import { pointAtRecording } from "../../errors.ts";
import { isContiguous } from "../eager/arrays.ts";
import { located, type Node, valueBehind } from "./graph.ts";

/** The results of one primitive on arrays that exist. Errors point at the recording call. */
export function runPrimitive(eager: Backend, node: Node, operands: readonly NDArray[]): NDArray[] {
  try {
    const results = node.primitive.run(eager, operands, node.scalars);
    return (Array.isArray(results) ? results : [results]).map((x) => (isContiguous(x) ? x : eager.contiguous(x)));
  } catch (error) {
    throw node.recordedAt === undefined ? error : pointAtRecording(error, node.recordedAt.stack);
  }
}

/**
 * Runs a node unless its values are there. An error stays with the values, and with those computed from them, and is
 * thrown when one of them is observed.
 */
export function interpret(eager: Backend, node: Node): void {
  node.executed = true;
  if (node.values.every((value) => value.array !== null || value.error !== undefined)) return;
  try {
    for (const operand of node.operands) {
      const error = valueBehind(operand)?.error;
      if (error !== undefined) throw error;
    }
    const results = runPrimitive(eager, node, node.operands.map(located));
    node.values.forEach((value, i) => {
      value.settle(results[i]!);
    });
  } catch (error) {
    for (const value of node.values) {
      value.error = error;
      value.node = null;
    }
  }
}

/** Computes a value whose program did not keep it, from what is there, with all that it needs on the way. */
export function recover(eager: Backend, node: Node): void {
  const pending = [node];
  while (pending.length > 0) {
    const next = pending[pending.length - 1]!;
    const missing = next.operands
      .map((operand) => valueBehind(operand))
      .filter((value) => value !== undefined && value.array === null && value.error === undefined)
      .map((value) => value!.node as Node);
    if (missing.length > 0) pending.push(...missing);
    else {
      interpret(eager, next);
      pending.pop();
    }
  }
}
