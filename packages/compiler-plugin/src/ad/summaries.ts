/** What is known of a program's functions, kept with the program. */
import { Summaries } from "../analysis/index.ts";
import type { Program } from "../hir/index.ts";

const known = new WeakMap<Program, Summaries>();

export function summariesOf(program: Program): Summaries {
  let found = known.get(program);
  if (found === undefined) {
    found = new Summaries(program);
    known.set(program, found);
  }
  return found;
}
