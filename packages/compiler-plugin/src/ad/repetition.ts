/** Whether a function can be run a second time as if it had not been run before. */
import { aliases, Summaries } from "../analysis/index.ts";
import { type Callee, definitionsOf, type HirFunction, type Program, type Value, walk } from "../hir/index.ts";
import { prepare } from "./prepare.ts";
import { freshIds } from "./vjp.ts";

/**
 * `free`: it can. `draws`: it may draw random numbers, whose generator must be put back. `writes`: it changes what it is
 * given or has captured. `speaks`: it has an effect on the world, or one that nobody sees.
 */
export type Repetition = "free" | "draws" | "writes" | "speaks";

export function repetitionOf(program: Program, fn: HirFunction): Repetition {
  const summaries = new Summaries(program);
  const of = fn.gradientOf?.of ?? fn;
  // Copied in, calls of function literals say what they do.
  const whole = prepare(of, program, freshIds(of), summaries, "all");
  const own = { ...whole, params: [...whole.params, ...whole.captures], captures: [] };
  if (aliases(own, summaries).summary.mutates.some(Boolean)) return "writes";
  return effectsOf(program, whole);
}

/** What a function does besides writing into what it is given. */
export function effectsOf(program: Program, whole: HirFunction): Exclude<Repetition, "writes"> {
  const found = new Set<Repetition>();
  const seen = new Set<string>();
  const ofCallee = (callee: Callee, effects: boolean): void => {
    if (callee.kind === "registered") {
      if (callee.effects !== "none") found.add(callee.effects === "random" ? "draws" : "speaks");
    } else if (callee.kind === "inert") {
      if (effects && callee.stops !== true && callee.operator === undefined) found.add("speaks");
    } else if (callee.kind === "known") enter(callee.key);
    else if (callee.kind === "dynamic" && callee.published === undefined) {
      for (const key of callee.implementations) enter(key);
      found.add("draws");
    } else if (callee.published?.conduct?.effects === "state") found.add("speaks");
    else if (callee.published?.conduct?.effects !== "none") found.add("draws");
  };
  const visit = (each: HirFunction): void => {
    const { body } = each.gradientOf?.of ?? each;
    const definitions = definitionsOf(body);
    walk(body, (op) => {
      if (op.kind === "call") ofCallee(op.callee, op.effects);
      // Functions of the platform, and others that only have a declaration.
      const called =
        op.kind === "call" && op.callee.kind === "value" ? definitions.get(op.args[0] as Value) : undefined;
      const isSeen = op.kind === "call" && op.callee.kind === "value" && op.callee.published !== undefined;
      if (called?.kind === "global" && called.functionKey === undefined && called.holds === undefined && !isSeen)
        found.add("speaks");
      if (op.kind === "math" && op.fn === "random") found.add("speaks");
      if (op.kind === "opaque" && op.effects && !/^\s*new \w*Error\(/.test(op.parts[0] ?? "")) found.add("speaks");
      if (op.kind === "closure") visit(op.function);
    });
  };
  const enter = (key: string): void => {
    if (seen.has(key)) return;
    seen.add(key);
    visit(program.lower(key));
  };
  visit(whole);
  return (["speaks", "draws"] as const).find((each) => found.has(each)) ?? "free";
}
