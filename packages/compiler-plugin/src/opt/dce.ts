/** Drops what nobody needs: pure operations without readers, merged and carried values without readers. */
import type { IfOp, LoopOp, Op, Region, Value } from "../hir/index.ts";
import { operands, regions } from "../hir/index.ts";

/** Would leaving the operation out change anything but its results? */
export function hasEffect(op: Op): boolean {
  switch (op.kind) {
    case "store":
    case "push":
    case "pop":
    case "throw":
      return true;
    case "sweep":
      return true;
    case "call":
    case "opaque":
    case "runtime":
      return op.effects;
    default:
      return regions(op).some((r) => r.diverges === true || r.ops.some(hasEffect));
  }
}

/** Marks from the effects and results, then sweeps; loops keep a carried value only while something reads it. */
export function eliminateDeadCode(region: Region): Region {
  const live = new Set<Value>();
  const kept = new Set<Op>();
  let changed = true;
  const need = (v: Value) => {
    if (live.has(v)) return;
    live.add(v);
    changed = true;
  };
  const keep = (op: Op) => {
    if (kept.has(op)) return;
    kept.add(op);
    changed = true;
  };

  const mark = (r: Region): void => {
    for (let i = r.ops.length - 1; i >= 0; i--) {
      const op = r.ops[i] as Op;
      if (!kept.has(op) && (hasEffect(op) || op.results.some((v) => live.has(v)))) keep(op);
      if (!kept.has(op)) continue;
      if (op.kind === "if") markIf(op);
      else if (op.kind === "loop") markLoop(op);
      else for (const v of operands(op)) need(v);
    }
  };
  const markIf = (op: IfOp): void => {
    need(op.condition);
    op.results.forEach((v, i) => {
      if (!live.has(v)) return;
      for (const branch of [op.then, op.else]) if (branch.diverges !== true) need(branch.results[i] as Value);
    });
    mark(op.then);
    mark(op.else);
  };
  const markLoop = (op: LoopOp): void => {
    if (op.counted !== undefined) {
      need(op.counted.start);
      need(op.counted.end);
    }
    const offset = op.counted === undefined ? 0 : 1;
    op.initial.forEach((v, i) => {
      const param = op.body.params[i + offset] as Value;
      const tested = op.test?.params[i];
      if (!live.has(op.results[i] as Value) && !live.has(param) && !(tested !== undefined && live.has(tested))) return;
      need(op.results[i] as Value);
      need(v);
      if (op.body.diverges !== true) need(op.body.results[i] as Value);
    });
    if (op.hasBreak && op.body.diverges !== true) need(op.body.results[op.initial.length] as Value);
    if (op.test !== undefined) {
      need(op.test.results[0] as Value);
      mark(op.test);
    }
    mark(op.body);
  };

  for (const v of region.results) need(v);
  while (changed) {
    changed = false;
    mark(region);
  }

  const sweep = (r: Region): Region => ({ ...r, ops: r.ops.filter((op) => kept.has(op)).map(sweepOp) });
  const sweepOp = (op: Op): Op => {
    if (op.kind === "if") {
      const at = op.results.flatMap((v, i) => (live.has(v) ? [i] : []));
      const pick = (b: Region): Region =>
        b.diverges === true ? sweep(b) : { ...sweep(b), results: at.map((i) => b.results[i] as Value) };
      // biome-ignore lint/suspicious/noThenProperty: a branch, never awaited
      return { ...op, then: pick(op.then), else: pick(op.else), results: at.map((i) => op.results[i] as Value) };
    }
    if (op.kind === "loop") {
      const offset = op.counted === undefined ? 0 : 1;
      const at = op.results.flatMap((v, i) => (live.has(v) ? [i] : []));
      const params = (list: readonly Value[], skip: number) => [
        ...list.slice(0, skip),
        ...at.map((i) => list[i + skip] as Value),
      ];
      const results =
        op.body.diverges === true
          ? []
          : [
              ...at.map((i) => op.body.results[i] as Value),
              ...(op.hasBreak ? [op.body.results[op.initial.length] as Value] : []),
            ];
      return {
        ...op,
        initial: at.map((i) => op.initial[i] as Value),
        body: { ...sweep(op.body), params: params(op.body.params, offset), results },
        ...(op.test === undefined ? {} : { test: { ...sweep(op.test), params: params(op.test.params, 0) } }),
        results: at.map((i) => op.results[i] as Value),
      };
    }
    return op;
  };
  return sweep(region);
}
