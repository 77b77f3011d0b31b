/**
 * `PULLBACK_DUMP=lazy` writes to standard error what the lazy backend does: each cut with its cause, each program that
 * is compiled with the cause, its graph, which nodes run together, and its memory.
 */
import type { Node } from "./graph.ts";
import type { Observer } from "./programs.ts";
import type { Segment } from "./segment.ts";

/** The observer that the environment asks for, if it does. */
export function observerFromEnvironment(): Observer | undefined {
  const process = (globalThis as { process?: { env?: { PULLBACK_DUMP?: string }; stderr?: Sink } }).process;
  const wanted = process?.env?.PULLBACK_DUMP?.split(",").includes("lazy") ?? false;
  const sink = process?.stderr;
  return wanted && sink !== undefined ? dumpTo((text) => sink.write(`${text}\n`)) : undefined;
}

interface Sink {
  write(text: string): unknown;
}

export function dumpTo(print: (text: string) => void): Observer {
  return {
    cut(cause, lengths) {
      const nodes = lengths.reduce((a, b) => a + b, 0);
      const parts = lengths.length > 1 ? ` in ${lengths.length} stretches (${runLengths(lengths)})` : "";
      print(`lazy: cut by ${cause}: ${nodes} operations${parts}`);
    },
    interpreted(segment) {
      print(`lazy: ${segment.nodes.length} operations run one by one: new`);
    },
    compiled(segment, program, cause) {
      print(`lazy: program of ${segment.nodes.length} operations compiled: ${cause}`);
      program.steps.forEach(({ work }, at) => {
        if (work.kind === "primitive") print(`  ${at}: ${describe(segment, work.node)}`);
        else {
          print(`  ${at}: kernel`);
          for (const node of work.nodes) print(`       ${describe(segment, node)}`);
        }
      });
      const outputs = [...program.outputs].sort((a, b) => a - b).map((slot) => `%${slot}`);
      print(`  keeps ${outputs.join(" ")}; ${program.plan.offsets.size} temporaries in ${program.plan.bytes} bytes`);
    },
  };
}

/** `%3 = add(%1, f32[4, 5]) : f32[4, 5]`. */
function describe(segment: Segment, i: number): string {
  const node: Node = segment.nodes[i]!;
  const operands = node.operands.map((operand, j) => {
    const slot = segment.reads[i]![j]!;
    return slot >= 0 ? `%${slot}` : `input ${segment.sources[i]![j]} ${operand.dtype}[${operand.shape}]`;
  });
  const results = node.values.map((value, k) => ({ slot: segment.firstSlot[i]! + k, value }));
  const left = results.map(({ slot }) => `%${slot}`).join(", ");
  const right = results.map(({ value }) => `${value.dtype}[${value.shape}]`).join(", ");
  const { name, attributes } = node.primitive;
  const scalars = node.scalars.length > 0 ? [`${node.scalars.length} numbers`] : [];
  return `${left} = ${name}${attributes === "" ? "" : ` ${attributes}`}(${[...operands, ...scalars].join(", ")}) : ${right}`;
}

/** `12, 5 × 20, 7`. */
function runLengths(lengths: readonly number[]): string {
  const parts: string[] = [];
  for (let i = 0; i < lengths.length; ) {
    let end = i;
    while (end < lengths.length && lengths[end] === lengths[i]) end++;
    parts.push(end - i > 1 ? `${lengths[i]} × ${end - i}` : `${lengths[i]}`);
    i = end;
  }
  return parts.join(", ");
}
