/**
 * Which values to save and which to recompute, as a minimum cut (after Siskind and Pearlmutter's and Enzyme's
 * "minimal caching"): every needed value must be available in the reverse sweep, either saved, at its cost, or recomputed,
 * at its cost, from operands that are available in turn.
 */

export interface CutNode<T> {
  readonly item: T;
  readonly save: number;
  /** Infinity where it cannot be recomputed. */
  readonly recompute: number;
  /** Operands that are not available for nothing. */
  readonly operands: readonly T[];
}

interface Edge {
  readonly to: number;
  capacity: number;
  readonly back: number;
}

/** The nodes to save; every other node that a needed one is made from is recomputed. */
export function cheapestSaves<T>(nodes: readonly CutNode<T>[], needed: Iterable<T>): Set<T> {
  const source = 0;
  const sink = 1;
  const index = new Map(nodes.map((n, i) => [n.item, 2 + 2 * i]));
  const graph: Edge[][] = Array.from({ length: 2 + 2 * nodes.length }, () => []);
  const connect = (from: number, to: number, capacity: number) => {
    (graph[from] as Edge[]).push({ to, capacity, back: (graph[to] as Edge[]).length });
    (graph[to] as Edge[]).push({ to: from, capacity: 0, back: (graph[from] as Edge[]).length - 1 });
  };
  // Available (a) -> recomputed (a + 1) is cut when the value is saved; recomputed -> sink pays for recomputing.
  for (const n of nodes) {
    const a = index.get(n.item) as number;
    connect(a, a + 1, n.save);
    connect(a + 1, sink, n.recompute);
    for (const o of n.operands) {
      const b = index.get(o);
      if (b !== undefined) connect(a + 1, b, Number.POSITIVE_INFINITY);
    }
  }
  for (const item of needed) connect(source, index.get(item) as number, Number.POSITIVE_INFINITY);

  for (;;) {
    const via = new Map<number, [node: number, edge: number]>();
    const queue = [source];
    for (let at = queue.shift(); at !== undefined && !via.has(sink); at = queue.shift()) {
      (graph[at] as Edge[]).forEach((edge, i) => {
        if (edge.capacity > 0 && edge.to !== source && !via.has(edge.to)) {
          via.set(edge.to, [at as number, i]);
          queue.push(edge.to);
        }
      });
    }
    if (!via.has(sink)) break;
    let flow = Number.POSITIVE_INFINITY;
    const path: Edge[] = [];
    for (let at = sink; at !== source; ) {
      const [from, i] = via.get(at) as [number, number];
      const edge = (graph[from] as Edge[])[i] as Edge;
      path.push(edge);
      flow = Math.min(flow, edge.capacity);
      at = from;
    }
    if (flow === Number.POSITIVE_INFINITY)
      throw new Error("Compiler defect: a needed value can be neither saved nor recomputed.");
    for (const edge of path) {
      edge.capacity -= flow;
      ((graph[edge.to] as Edge[])[edge.back] as Edge).capacity += flow;
    }
  }

  const reached = new Set([source]);
  const queue = [source];
  for (let at = queue.shift(); at !== undefined; at = queue.shift()) {
    for (const edge of graph[at] as Edge[]) {
      if (edge.capacity > 0 && !reached.has(edge.to)) {
        reached.add(edge.to);
        queue.push(edge.to);
      }
    }
  }
  const saved = new Set<T>();
  for (const n of nodes) {
    const a = index.get(n.item) as number;
    if (reached.has(a) && !reached.has(a + 1)) saved.add(n.item);
  }
  return saved;
}
