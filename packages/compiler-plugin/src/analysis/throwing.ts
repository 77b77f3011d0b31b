/** Whether running a piece of the program can throw, as far as the program says so: stacks that overflow do not count. */
import {
  type Callee,
  type Op,
  onlySpeaks,
  type Program,
  type Region,
  regions,
  type Value,
  walk,
} from "../hir/index.ts";

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

/**
 * Whether a callee that throws has not changed anything yet that it was given: nothing after its first write can throw.
 * What it allocates itself may be written to before.
 */
export function throwsFirst(callee: Callee, program: Pick<Program, "lower">): boolean {
  if (callee.kind !== "known") return false;
  const { body } = program.lower(callee.key);
  const own = new Set<Value>();
  walk(body, (op) => {
    const [made] = op.results;
    if (made !== undefined && ["array", "object", "newArray", "allocate", "new"].includes(op.kind)) own.add(made);
  });
  const writes = (op: Op): boolean => {
    switch (op.kind) {
      case "store":
        return !own.has(op.object);
      case "push":
      case "pop":
        return !own.has(op.array);
      case "call":
        return op.callee.kind !== "registered" && (op.effects || op.callee.kind !== "inert");
      case "opaque":
        return op.effects && !onlySpeaks(op);
      default:
        return regions(op).some((inner) => inner.ops.some(writes));
    }
  };
  /** Whether an operation may throw after something has been written; a loop may come round again. */
  let written = false;
  const safe = (region: Region): boolean =>
    region.ops.every((op) => {
      const inner = regions(op);
      if (inner.length > 0) {
        if (op.kind === "loop" && inner.some((r) => r.ops.some(writes)) && inner.some((r) => mayThrow(r, program)))
          return false;
        const before = written;
        let after = before;
        for (const r of inner) {
          written = before;
          if (!safe(r)) return false;
          after ||= written;
        }
        written = after;
        return true;
      }
      // A call that writes may throw in the middle of it.
      const throws = mayThrow({ params: [], ops: [op], results: [] }, program);
      if (throws && (written || (op.kind === "call" && writes(op)) || (op.kind === "opaque" && writes(op))))
        return false;
      written ||= writes(op);
      return true;
    });
  return safe(body);
}
