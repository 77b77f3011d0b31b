/**
 * Finds the loops in a trace. A trace that repeats one body is cut between the repetitions, so that all of them run one
 * program, and another number of repetitions needs no new one.
 */
import type { Node } from "./graph.ts";

const fewestRepetitions = 4;
/** Longer traces are not searched: the search takes time proportional to the square of the length. */
const longestSearched = 6000;

interface Loop {
  readonly start: number;
  readonly period: number;
  readonly count: number;
}

/** Lengths of the stretches that a trace falls into: one, unless it repeats itself. */
export function stretches(nodes: readonly Node[]): number[] {
  if (nodes.length > longestSearched) return [nodes.length];
  const signatures = Int32Array.from(nodes, (node) => node.signature);
  const result: number[] = [];
  const search = (from: number, to: number): void => {
    if (from === to) return;
    const loop = longestLoop(nodes, signatures, from, to);
    if (loop === undefined) {
      result.push(to - from);
      return;
    }
    search(from, loop.start);
    for (let i = 0; i < loop.count; i++) result.push(loop.period);
    search(loop.start + loop.count * loop.period, to);
  };
  search(0, nodes.length);
  return result;
}

/** The loop that covers most nodes; of equals that of the shortest period. */
function longestLoop(nodes: readonly Node[], signatures: Int32Array, from: number, to: number): Loop | undefined {
  let best: Loop | undefined;
  let covered = 0;
  for (let period = 1; period * fewestRepetitions <= to - from; period++) {
    let run = 0;
    for (let i = from; i <= to - period; i++) {
      if (i < to - period && signatures[i] === signatures[i + period]) {
        run++;
        continue;
      }
      const count = Math.floor((run + period) / period);
      const start = i - run;
      if (count >= fewestRepetitions && count * period > covered && isWorthCutting(nodes, start, period)) {
        best = { start, period, count };
        covered = count * period;
      }
      run = 0;
    }
  }
  return best;
}

/** Elementwise chains are better computed in one go, however often they repeat themselves. */
function isWorthCutting(nodes: readonly Node[], start: number, period: number): boolean {
  for (let i = start; i < start + period; i++) if (nodes[i]!.primitive.meaning === undefined) return true;
  return false;
}
