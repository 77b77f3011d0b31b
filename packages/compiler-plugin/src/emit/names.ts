/** Names of locals in generated code: the source's where possible, never one that the code means otherwise. */
import { type HirFunction, type Region, regions, UniqueNames, type Value } from "../hir/index.ts";

const reserved = new Set(
  "arguments await break case catch class const continue debugger default delete do else enum eval export extends false finally for function if implements import in instanceof interface let new null package private protected public return static super switch this throw true try typeof undefined var void while with yield Math NaN Infinity Array Object Map Float32Array Float64Array Symbol $pb".split(
    " ",
  ),
);

export class LocalNames extends UniqueNames {
  private readonly given = new Map<Value, string>();

  constructor(avoid: Iterable<string>) {
    super([...reserved, ...avoid]);
  }

  /** A fresh name after a value's own. */
  fresh(v: Value, fallback = "t"): string {
    const base = v.name === "this" ? "self" : (v.name?.replace(/[^\w$]/g, "_").replace(/^(?=\d)/, "_") ?? fallback);
    return this.unique(base === "" ? fallback : base);
  }

  set(v: Value, name: string): void {
    this.given.set(v, name);
  }

  of(v: Value): string | undefined {
    return this.given.get(v);
  }
}

/** Identifiers that the function's own text refers to: module-level names, callees, verbatim code. */
export function mentioned(fn: HirFunction, into = new Set<string>()): Set<string> {
  const see = (text: string) => {
    for (const word of text.match(/[A-Za-z_$][\w$]*/g) ?? []) into.add(word);
  };
  const visit = (region: Region): void => {
    for (const op of region.ops) {
      if (op.kind === "global") see(op.text);
      else if (op.kind === "opaque") for (const p of op.parts) see(p);
      else if (op.kind === "allocate" || op.kind === "new") see(op.classText);
      else if ((op.kind === "call" || op.kind === "sweep") && "text" in op.callee) see(op.callee.text);
      else if (op.kind === "closure") mentioned(op.function, into);
      for (const inner of regions(op)) visit(inner);
    }
  };
  visit(fn.body);
  return into;
}
