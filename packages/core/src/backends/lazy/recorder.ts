/** The trace: what has been recorded and not yet run, and the cuts that run it. */
import type { NDArray } from "../../backend/backend.ts";
import type { EagerBackend } from "../eager/index.ts";
import { Handle } from "../eager/memory/index.ts";
import { Node, type Primitive, type Result, type Value, valueBehind } from "./graph.ts";
import { recover } from "./interpret.ts";
import { KernelCache, mostParameterBytes, mostParts } from "./kernels/index.ts";
import { Programs } from "./programs.ts";

/** A trace this long is run even if nobody asks: a loop that never observes must not grow without bound. */
const longestTrace = 20_000;

export class Recorder {
  private readonly eager: EagerBackend;
  private pending: Node[] = [];
  private readonly signatures = new Map<string, number>();
  readonly programs: Programs;

  constructor(eager: EagerBackend) {
    this.eager = eager;
    let parameters = -1;
    const machine = {
      eager,
      kernels: new KernelCache(() => eager.engine.arena.memory),
      parameters: () => {
        if (parameters < 0) parameters = eager.engine.arena.scratch(mostParameterBytes * mostParts);
        return parameters;
      },
    };
    this.programs = new Programs(machine);
  }

  /** Adds a primitive to the trace; its results as operands of others. */
  record(
    primitive: Primitive,
    operands: readonly NDArray[],
    scalars: readonly number[],
    results: readonly Result[],
    recordedAt?: { readonly stack?: string },
  ): NDArray[] {
    for (const operand of operands) {
      this.touch(operand);
      // What is recorded is read later, whatever the caller does with its tensor.
      if (operand.storage instanceof Handle) operand.storage.isRecorded = true;
    }
    const node = new Node(primitive, operands, scalars, results, this.signatureOf(primitive, operands), recordedAt);
    this.pending.push(node);
    const arrays = node.values.map((value) => value.whole());
    if (this.pending.length >= longestTrace) this.cut("length");
    return arrays;
  }

  /** Sees to it that the elements of an operand are there. Throws what went wrong while they were computed. */
  settle(x: NDArray, cause: string): void {
    const value = valueBehind(x);
    if (value === undefined) return;
    this.touch(x);
    if (value.array === null && value.error === undefined) this.cut(cause, value);
    if (value.error !== undefined) throw value.error;
  }

  /** Runs what is pending. `observed` is what somebody waits for. */
  cut(cause: string, observed?: Value): void {
    const nodes = this.pending;
    this.pending = [];
    this.programs.run(nodes, cause, observed);
  }

  /** Forgets everything that only makes it faster. */
  forget(): void {
    this.programs.forget();
    this.signatures.clear();
  }

  /** Notes that a value is used: if its program is over, it must have kept it, and it must keep it next time. */
  private touch(x: NDArray): void {
    const value = valueBehind(x);
    if (value === undefined) return;
    if (value.origin !== null) {
      value.origin.usedLater(value.slot);
      value.origin = null;
    }
    if (value.array === null && value.node?.executed) {
      this.programs.metrics.recovered++;
      recover(this.eager, value.node);
    }
  }

  private signatureOf({ name, attributes }: Primitive, operands: readonly NDArray[]): number {
    let text = `${name} ${attributes}`;
    for (const { dtype, shape, strides } of operands) text += `|${dtype} ${shape} ${strides}`;
    let signature = this.signatures.get(text);
    if (signature === undefined) {
      signature = this.signatures.size;
      this.signatures.set(text, signature);
    }
    return signature;
  }
}
