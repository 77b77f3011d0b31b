/** The verifier that runs between passes: SSA, arities, agreement of kinds. Violations are defects of the compiler. */
import { passing, typeText } from "./kinds.ts";
import { printFunction } from "./print.ts";
import type { HirFunction, Op, Region, Value } from "./types.ts";
import { operands } from "./visit.ts";

/** Everything that is wrong with a function; empty when it is well formed. */
export function problems(fn: HirFunction): string[] {
  const found: string[] = [];
  const defined = new Set<Value>();
  const ids = new Map<number, Value>();
  const name = (v: Value) => `%${v.name ?? ""}${v.id}`;
  const define = (v: Value, scope: Set<Value>) => {
    if (defined.has(v)) found.push(`${name(v)} is defined twice`);
    const other = ids.get(v.id);
    if (other !== undefined && other !== v) found.push(`${name(v)} and ${name(other)} share an id`);
    defined.add(v);
    ids.set(v.id, v);
    scope.add(v);
  };
  const agree = (a: Value, b: Value, where: string) => {
    const p = passing(a.type);
    const q = passing(b.type);
    if (p !== q && p !== "-" && q !== "-" && p !== "u" && q !== "u") {
      found.push(`${where}: ${name(a)} is ${typeText(a.type)} and ${name(b)} is ${typeText(b.type)}`);
    }
  };

  const check = (region: Region, outer: ReadonlySet<Value>): void => {
    const scope = new Set(outer);
    for (const p of region.params) define(p, scope);
    const use = (v: Value, where: string) => {
      if (!scope.has(v))
        found.push(`${where} reads ${name(v)}, which is ${defined.has(v) ? "out of scope" : "not defined before"}`);
    };
    for (const [i, op] of region.ops.entries()) {
      for (const v of operands(op)) use(v, op.kind);
      checkOp(op, scope);
      for (const r of op.results) define(r, scope);
      if (op.kind === "throw" && i !== region.ops.length - 1) found.push("operations follow a throw");
    }
    const last = region.ops.at(-1);
    if (last?.kind === "throw" && region.diverges !== true)
      found.push("a region that ends in throw does not say that it diverges");
    if (region.diverges === true && region.results.length > 0) found.push("a diverging region has results");
    for (const v of region.results) use(v, "yield");
  };

  const count = (what: string, got: number, wanted: number) => {
    if (got !== wanted) found.push(`${what}: ${got} values where ${wanted} are wanted`);
  };

  const checkOp = (op: Op, scope: ReadonlySet<Value>): void => {
    switch (op.kind) {
      case "if":
        for (const branch of [op.then, op.else]) {
          count("if branch params", branch.params.length, 0);
          check(branch, scope);
          if (branch.diverges === true) continue;
          count("if branch results", branch.results.length, op.results.length);
          branch.results.forEach((r, i) => {
            if (op.results[i] !== undefined) agree(r, op.results[i], "if");
          });
        }
        if (op.then.diverges === true && op.else.diverges === true && op.results.length > 0)
          found.push("an if that diverges has results");
        return;
      case "loop": {
        const carried = op.initial.length;
        count("loop results", op.results.length, carried);
        count("loop body params", op.body.params.length, carried + (op.counted === undefined ? 0 : 1));
        if (op.test !== undefined) {
          count("loop test params", op.test.params.length, carried);
          count("loop test results", op.test.results.length, 1);
          check(op.test, scope);
        }
        if (op.counted !== undefined && op.counted.step === 0) found.push("a counted loop with step 0");
        if (op.test === undefined && op.counted === undefined && !op.hasBreak) found.push("a loop that never ends");
        check(op.body, scope);
        if (op.body.diverges !== true)
          count("loop body results", op.body.results.length, carried + (op.hasBreak ? 1 : 0));
        op.initial.forEach((v, i) => {
          if (op.results[i] !== undefined) agree(v, op.results[i], "loop");
        });
        return;
      }
      case "opaque":
        count("opaque parts", op.parts.length, op.operands.length + 1);
        return;
      case "closure":
        count("closure captures", op.captures.length, op.function.captures.length);
        found.push(...problems(op.function).map((p) => `in ${op.function.name}: ${p}`));
        return;
      case "array":
        count("array spread marks", op.spread.length, op.elements.length);
        return;
      case "call":
        count("call results", op.results.length, op.catches === true ? 3 : 1);
        if (op.spread !== undefined) count("call spread marks", op.spread.length, op.args.length);
        return;
      case "load":
      case "pop":
      case "cursor":
      case "const":
      case "prim":
      case "math":
        count(`${op.kind} results`, op.results.length, 1);
        return;
      default:
        return;
    }
  };

  const scope = new Set<Value>();
  for (const p of [...fn.params, ...fn.captures]) define(p, scope);
  check(fn.body, scope);
  if (fn.body.diverges !== true) count("function results", fn.body.results.length, 1);
  return found;
}

/** Throws with a dump when a function is malformed. */
export function verify(fn: HirFunction, after: string): void {
  const found = problems(fn);
  if (found.length === 0) return;
  throw new Error(
    `Compiler defect: malformed HIR after ${after} in ${fn.name}:\n- ${found.join("\n- ")}\n${printFunction(fn)}`,
  );
}
