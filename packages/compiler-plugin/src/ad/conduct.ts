/** What calling a function does besides returning a value, for those who do not see it. */
import type { Conduct, Program } from "../hir/index.ts";
import { effectsOf } from "./effects.ts";
import { summariesOf } from "./summaries.ts";

const effects = { free: "none", draws: "random", speaks: "state" } as const;

export function conductOf(program: Program, key: string): Conduct {
  const fn = program.lower(key);
  const { mutates, returned, linked } = summariesOf(program).of(key, fn.params.length);
  const bits = (list: readonly boolean[]) => fn.params.map((_, i) => (list[i] === true ? "1" : "0")).join("");
  return { mutates: bits(mutates), returned: bits(returned), linked, effects: effects[effectsOf(program, fn)] };
}
