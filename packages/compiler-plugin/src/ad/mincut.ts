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

/** The nodes to save; every other node that a needed one is made from is recomputed. */
export function cheapestSaves<T>(nodes: readonly CutNode<T>[], needed: Iterable<T>): Set<T> {
  const index = new Map(nodes.map((n, i) => [n.item, 2 + 2 * i]));
  const network = new Network(2 + 2 * nodes.length);
  // Available (a) -> recomputed (a + 1) is cut when the value is saved; recomputed -> sink pays for recomputing.
  for (const n of nodes) {
    const a = index.get(n.item) as number;
    network.connect(a, a + 1, n.save);
    network.connect(a + 1, sink, n.recompute);
    for (const o of n.operands) {
      const b = index.get(o);
      if (b !== undefined) network.connect(a + 1, b, Number.POSITIVE_INFINITY);
    }
  }
  for (const item of needed) network.connect(source, index.get(item) as number, Number.POSITIVE_INFINITY);
  const reached = network.cut();
  const saved = new Set<T>();
  for (const n of nodes) {
    const a = index.get(n.item) as number;
    if (reached(a) && !reached(a + 1)) saved.add(n.item);
  }
  return saved;
}

const source = 0;
const sink = 1;

/**
 * A flow network in flat arrays; edge e ^ 1 is the way back of edge e. The flow is Dinic's (1970): shortest paths are
 * saturated together, one level graph after the other, so that functions of many thousand operations stay cheap.
 */
class Network {
  private readonly edgesOf: number[][];
  private readonly to: number[] = [];
  private readonly capacity: number[] = [];
  private level: Int32Array;

  constructor(size: number) {
    this.edgesOf = Array.from({ length: size }, () => []);
    this.level = new Int32Array(size);
  }

  connect(from: number, to: number, capacity: number): void {
    (this.edgesOf[from] as number[]).push(this.to.length);
    this.to.push(to);
    this.capacity.push(capacity);
    (this.edgesOf[to] as number[]).push(this.to.length);
    this.to.push(from);
    this.capacity.push(0);
  }

  /** Which nodes lie on the source's side of the minimum cut that is nearest to the source. */
  cut(): (node: number) => boolean {
    while (this.measure()) this.saturate();
    return (node) => (this.level[node] as number) >= 0;
  }

  /** Numbers the nodes by their distance from the source, -1 where there is no way; is there one to the sink? */
  private measure(): boolean {
    const { level, to, capacity } = this;
    level.fill(-1);
    level[source] = 0;
    const queue = [source];
    for (let i = 0; i < queue.length; i++) {
      const at = queue[i] as number;
      for (const e of this.edgesOf[at] as number[]) {
        const next = to[e] as number;
        if ((capacity[e] as number) <= 0 || (level[next] as number) >= 0) continue;
        level[next] = (level[at] as number) + 1;
        queue.push(next);
      }
    }
    return (level[sink] as number) >= 0;
  }

  /** Sends flow along every shortest path until none is left. */
  private saturate(): void {
    const { level, to, capacity, edgesOf } = this;
    const next = new Int32Array(edgesOf.length);
    const path: number[] = [];
    for (let at = source; ; ) {
      if (at === sink) {
        at = this.send(path);
        continue;
      }
      const edges = edgesOf[at] as number[];
      while ((next[at] as number) < edges.length) {
        const e = edges[next[at] as number] as number;
        if ((capacity[e] as number) > 0 && level[to[e] as number] === (level[at] as number) + 1) break;
        (next[at] as number)++;
      }
      if ((next[at] as number) < edges.length) {
        const e = edges[next[at] as number] as number;
        path.push(e);
        at = to[e] as number;
        continue;
      }
      const back = path.pop();
      if (back === undefined) return;
      at = to[back ^ 1] as number;
      (next[at] as number)++;
    }
  }

  /** Sends what the path can carry; the path is cut back to before its first full edge, whose start is returned. */
  private send(path: number[]): number {
    const { to, capacity } = this;
    let flow = Number.POSITIVE_INFINITY;
    for (const e of path) flow = Math.min(flow, capacity[e] as number);
    if (flow === Number.POSITIVE_INFINITY)
      throw new Error("Compiler defect: a needed value can be neither saved nor recomputed.");
    let full = path.length;
    for (let i = path.length - 1; i >= 0; i--) {
      const e = path[i] as number;
      (capacity[e] as number) -= flow;
      (capacity[e ^ 1] as number) += flow;
      if (capacity[e] === 0) full = i;
    }
    const start = to[(path[full] as number) ^ 1] as number;
    path.length = full;
    return start;
  }
}
