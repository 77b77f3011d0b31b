/** Whether running a piece of the program can throw, as far as the program says so: stacks that overflow do not count. */
import { type Callee, onlySpeaks, type Program, type Region, regions } from "../hir/index.ts";

/** `open` are functions that are being looked at: a cycle throws only if something in it does. */
export function mayThrow(
  region: Region,
  program: Pick<Program, "lower">,
  open: ReadonlySet<string> = new Set(),
): boolean {
  return region.ops.some((op) => {
    if (op.kind === "throw") return true;
    if (op.kind === "call") return op.catches !== true && calleeMayThrow(op.callee, op.effects, program, open);
    if (op.kind === "opaque") return op.catches !== true && op.effects && !onlySpeaks(op);
    return regions(op).some((inner) => mayThrow(inner, program, open));
  });
}

export function calleeMayThrow(
  callee: Callee,
  effects: boolean,
  program: Pick<Program, "lower">,
  open: ReadonlySet<string> = new Set(),
): boolean {
  if (callee.kind === "inert") return effects;
  if (callee.kind !== "known") return true;
  if (open.has(callee.key)) return false;
  return mayThrow(program.lower(callee.key).body, program, new Set([...open, callee.key]));
}
