/**
 * Derivatives run a function again where second order wants it. What has an effect on the world is done in the first of
 * these runs, and read from what that wrote down in the others: here every such operation of a derivative is marked.
 * The functions that it calls without differentiating them are called in the same form.
 */
import { pointsToMemory, type Summaries } from "../analysis/index.ts";
import {
  Builder,
  type CallOp,
  type ClosureOp,
  definitionsOf,
  type HirFunction,
  type Ids,
  mapOp,
  type Op,
  type Program,
  passing,
  type Region,
  type SweepOp,
  type Value,
} from "../hir/index.ts";
import {
  acts,
  actsBy,
  actsInert,
  actsOpaque,
  inside,
  isDerivative,
  isSeen,
  isState,
  mayChangeCollection,
  writesState,
} from "./effects.ts";
import { dualType } from "./jvp.ts";
import { freshIds } from "./vjp.ts";

type Definitions = ReadonlyMap<Value, Op>;

/** The functions of a derivative, with what has an effect in them marked; `of` is what they are the derivative of. */
export function recorded(
  program: Program,
  of: HirFunction,
  functions: readonly HirFunction[],
  summaries: Summaries,
): readonly HirFunction[] {
  if (acts(program, of) === false) return functions;
  return functions.map((fn) => new Recorder(program, summaries, fn).function(fn, new Map()));
}

class Recorder {
  private readonly program: Program;
  private readonly summaries: Summaries;
  private readonly root: HirFunction;
  private readonly ids: Ids;

  constructor(program: Program, summaries: Summaries, root: HirFunction) {
    this.program = program;
    this.summaries = summaries;
    this.root = root;
    this.ids = freshIds(root);
  }

  function(fn: HirFunction, outer: Definitions): HirFunction {
    const definitions = definitionsOf(fn.body, new Map(outer));
    return { ...fn, body: this.region(fn.body, definitions) };
  }

  private region(region: Region, definitions: Definitions): Region {
    const ops: Op[] = [];
    for (const op of region.ops) this.operation(new Builder(ops, this.ids, op.span), op, definitions);
    return { ...region, ops };
  }

  private operation(b: Builder, op: Op, definitions: Definitions): void {
    const state = writesState(op, definitions);
    if (state !== undefined) touch(b, state);
    if (op.kind === "call") {
      this.changed(b, op, op.args, definitions);
      this.call(b, op, definitions);
    } else if (op.kind === "sweep") {
      this.changed(b, op, op.args, definitions);
      b.emit(op);
    } else if (op.kind === "opaque" && actsOpaque(op)) {
      b.emit({ ...op, once: /^\s*console\./.test(op.parts[0] ?? "") ? "speaks" : "whole" });
    } else if (op.kind === "closure") b.emit(this.closure(op, definitions));
    else
      b.emit(
        mapOp(
          op,
          (v) => v,
          (r) => this.region(r, definitions),
        ),
      );
  }

  private closure(op: ClosureOp, definitions: Definitions): ClosureOp {
    const made = this.function(op.function, inside(op.function.captures, op.captures, definitions));
    const { derivative } = op;
    if (derivative === undefined) return { ...op, function: made };
    const codes = derivative.codes.map((code) => ({
      ...code,
      function: this.function(code.function, inside(code.function.captures, code.captures, definitions)),
    }));
    return { ...op, function: made, derivative: { ...derivative, codes } };
  }

  /** State of a module that a function is given and writes into. */
  private changed(b: Builder, op: CallOp | SweepOp, args: readonly Value[], definitions: Definitions): void {
    const { callee } = op;
    if (callee.kind !== "known") return;
    const state = args.map((v) => pointsToMemory(v.type) && v.type.kind !== "function" && isState(v, definitions));
    if (!state.includes(true)) return;
    const { mutates } = this.summaries.of(callee.key, args.length);
    args.forEach((v, i) => {
      if (state[i] === true && mutates[i] === true) touch(b, v);
    });
  }

  private call(b: Builder, op: CallOp, definitions: Definitions): void {
    const { callee } = op;
    switch (callee.kind) {
      case "registered":
        b.emit(callee.effects === "state" ? { ...op, once: "whole" } : op);
        return;
      case "inert":
        b.emit(actsInert(op) ? this.inert(op, callee, definitions) : op);
        return;
      case "known":
        this.known(b, op, callee);
        return;
      case "dynamic": {
        const seen = callee.implementations.map((key) => actsBy(this.program, key));
        if (seen.length > 0 && seen.every((each) => each === false)) b.emit(op);
        else if (callee.accessor !== undefined) b.emit({ ...op, once: "whole" });
        else this.found(b, op, callee.method);
        return;
      }
      case "value": {
        const called = definitions.get(op.args[0] as Value);
        const key = called?.kind === "global" ? called.functionKey : undefined;
        const quiet =
          key === undefined ? isSeen(op, called, this.root) : isDerivative(key) || actsBy(this.program, key) === false;
        if (quiet) b.emit(op);
        else this.found(b, op, undefined);
      }
    }
  }

  private inert(op: CallOp, callee: CallOp["callee"] & { kind: "inert" }, definitions: Definitions): Op {
    const { method, text } = callee;
    if (method === undefined) return { ...op, once: /^console\./.test(text) ? "speaks" : "whole" };
    const onCollection = mayChangeCollection(op);
    const made = definitions.get(op.args[0] as Value);
    // What is made in this run is changed in this run.
    const isOwn =
      made !== undefined &&
      (["array", "newArray"].includes(made.kind) ||
        (made.kind === "opaque" && /^\s*new (Set|Map|\w*Array)\b/.test(made.parts[0] ?? "")));
    if (onCollection && isOwn) return op;
    return { ...op, once: onCollection ? "collection" : "whole" };
  }

  /** A function whose effects are seen: its own form that writes them down. */
  private known(b: Builder, op: CallOp, callee: CallOp["callee"] & { kind: "known" }): void {
    if (isDerivative(callee.key) || actsBy(this.program, callee.key) !== true) {
      b.emit(op);
      return;
    }
    const fn = this.program.lower(callee.key);
    const { length } = fn.params;
    const isPacked = op.spread?.every((each, i) => !each || (i === fn.rest && i === op.args.length - 1)) ?? true;
    const fits = fn.rest === undefined ? op.spread?.some(Boolean) !== true : isPacked && op.args.length === length;
    if (!fits || fn.kind === "initialiser" || callee.text === "") {
      b.emit({ ...op, once: "whole" });
      return;
    }
    const args = fn.params.map((_, i) => op.args[i] ?? b.const(undefined));
    const [result, ...caught] = op.results as [Value, ...Value[]];
    const dual = b.value(dualType(result.type), "dual");
    b.emit({
      kind: "sweep",
      sweep: "jvp",
      callee,
      mask: "0".repeat(length),
      args,
      primal: true,
      ...(op.catches === true ? { catches: true as const } : {}),
      span: op.span,
      results: [dual, ...caught],
    });
    const key = { kind: "field", name: "value" } as const;
    b.emit({ kind: "load", object: dual, key, readonly: true, span: op.span, results: [result] });
  }

  /** A function found at run time, which may come in such a form. */
  private found(b: Builder, op: CallOp, method: string | undefined): void {
    const [first, ...args] = op.args as [Value, ...Value[]];
    const given =
      method === undefined ? [first] : [b.load(first, method, { type: functionType, readonly: true }), first];
    const fn = b.runtime("primal", given, functionType);
    b.emit({ ...op, callee: { kind: "value" }, args: [fn, ...args] });
  }
}

const functionType = { kind: "function", text: "function" } as const;

function touch(b: Builder, object: Value): void {
  if (passing(object.type) === "v") return;
  b.runtime("touch", [object], undefined, { effects: true });
}
