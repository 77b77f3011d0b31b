/**
 * What happens between passes. With PULLBACK_VERIFY set, the verifier looks at what each pass made; with
 * PULLBACK_DUMP=after-<pass> (several with commas, or "all") it is printed to standard error. The passes: lowering,
 * inlining, unrolling, sharing, differentiation, optimization, releases.
 */
import { printFunction } from "./print.ts";
import type { HirFunction } from "./types.ts";
import { verify } from "./verify.ts";

const verifying = (process.env.PULLBACK_VERIFY ?? "") !== "";
const dumped = new Set((process.env.PULLBACK_DUMP ?? "").split(",").filter((name) => name !== ""));

/** Hands on what a pass made, looked at and printed as the environment asks. */
export function passed(pass: string, fn: HirFunction): HirFunction {
  if (dumped.has(`after-${pass}`) || dumped.has("all"))
    process.stderr.write(`// ${fn.name} after ${pass}\n${printFunction(fn)}\n\n`);
  if (verifying) verify(fn, pass);
  return fn;
}
