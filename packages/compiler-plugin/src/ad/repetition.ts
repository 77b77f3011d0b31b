/** Whether a function can be run a second time as if it had not been run before. */
import { aliases, Summaries } from "../analysis/index.ts";
import type { HirFunction, Program } from "../hir/index.ts";
import { effectsOf } from "./effects.ts";
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
