/**
 * Removes what lowering made in case it would be needed: merges and loop-carried values that nobody reads, and
 * operations without effect whose results are not read.
 */
import { type Op, operands, type Region, type Value } from "../../hir/index.ts";

export function prune(body: Region): void {
  const live = new Set<Value>();
  const needed = new Set<Op>();
  let changed = true;
  const use = (v: Value | undefined): void => {
    if (v !== undefined && !live.has(v)) {
      live.add(v);
      changed = true;
    }
  };
  const require = (op: Op): void => {
    if (needed.has(op)) return;
    needed.add(op);
    changed = true;
  };

  /** Answers whether the region holds an operation that is needed for its effect. */
  const region = (r: Region): boolean => {
    let effects = r.diverges === true;
    for (let i = r.ops.length - 1; i >= 0; i -= 1) {
      const op = r.ops[i]!;
      if (operation(op)) effects = true;
    }
    return effects;
  };
  const operation = (op: Op): boolean => {
    const wanted = op.results.some((v) => live.has(v));
    if (op.kind === "if") {
      const a = region(op.then);
      const b = region(op.else);
      if (!wanted && !a && !b) return false;
      require(op);
      use(op.condition);
      op.results.forEach((v, i) => {
        if (!live.has(v)) return;
        use(op.then.results[i]);
        use(op.else.results[i]);
      });
      return a || b;
    }
    if (op.kind === "loop") {
      const effects = region(op.body);
      if (op.test !== undefined) region(op.test);
      if (!wanted && !effects && !needed.has(op)) return false;
      require(op);
      const offset = op.counted === undefined ? 0 : 1;
      use(op.test?.results[0]);
      if (op.hasBreak) use(op.body.results[op.initial.length]);
      if (op.counted !== undefined) {
        use(op.counted.start);
        use(op.counted.end);
      }
      op.initial.forEach((v, i) => {
        const params = [op.results[i]!, op.body.params[i + offset]!, op.test?.params[i]];
        if (!params.some((p) => p !== undefined && live.has(p))) return;
        use(v);
        use(op.body.results[i]);
      });
      return effects;
    }
    const effect = hasEffect(op);
    if (!effect && !wanted) return false;
    require(op);
    for (const v of operands(op)) use(v);
    return effect;
  };

  for (const v of body.results) use(v);
  while (changed) {
    changed = false;
    region(body);
  }
  sweep(body, needed, live);
}

function hasEffect(op: Op): boolean {
  switch (op.kind) {
    case "store":
    case "push":
    case "pop":
    case "throw":
      return true;
    case "call":
      return op.effects;
    case "opaque":
      return op.effects || op.results.length === 0;
    default:
      return false;
  }
}

function sweep(region: Region, needed: ReadonlySet<Op>, live: ReadonlySet<Value>): void {
  const kept = region.ops.filter((op) => needed.has(op)).map((op) => narrowed(op, live));
  for (const op of kept) {
    if (op.kind === "if") {
      sweep(op.then, needed, live);
      sweep(op.else, needed, live);
    } else if (op.kind === "loop") {
      sweep(op.body, needed, live);
      if (op.test !== undefined) sweep(op.test, needed, live);
    }
  }
  region.ops.splice(0, region.ops.length, ...kept);
}

/** The operation without the results and carried values that nobody reads. */
function narrowed(op: Op, live: ReadonlySet<Value>): Op {
  if (op.kind === "if") {
    const keep = op.results.map((v) => live.has(v));
    const only = (values: readonly Value[]) => values.filter((_, i) => keep[i]);
    op.then.results = only(op.then.results);
    op.else.results = only(op.else.results);
    return { ...op, results: only(op.results) };
  }
  if (op.kind !== "loop") return op;
  const offset = op.counted === undefined ? 0 : 1;
  const keep = op.initial.map((_, i) =>
    [op.results[i], op.body.params[i + offset], op.test?.params[i]].some((v) => v !== undefined && live.has(v)),
  );
  const only = (values: readonly Value[]) => values.filter((_, i) => keep[i] ?? true);
  const withOffset = (values: readonly Value[]) => values.filter((_, i) => i < offset || keep[i - offset]);
  op.body.results = only(op.body.results);
  return {
    ...op,
    initial: only(op.initial),
    results: only(op.results),
    body: { ...op.body, params: withOffset(op.body.params) },
    ...(op.test === undefined ? {} : { test: { ...op.test, params: only(op.test.params) } }),
  };
}
