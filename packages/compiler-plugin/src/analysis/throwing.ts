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
import { memoOf } from "./memo.ts";

/** What a region does by itself, and which functions of the program it calls outside of a `try`. */
interface Throwing {
  readonly throws: boolean;
  readonly callees: readonly string[];
}

export function mayThrow(region: Region, program: Pick<Program, "lower">): boolean {
  const { throws, callees } = throwingOf(region);
  return throws || callees.some((key) => leadsToThrow(key, program));
}

export function calleeMayThrow(callee: Callee, effects: boolean, program: Pick<Program, "lower">): boolean {
  if (callee.kind === "inert") return effects;
  return callee.kind !== "known" || leadsToThrow(callee.key, program);
}

function throwingOf(region: Region): Throwing {
  const callees = new Set<string>();
  let throws = false;
  walk(region, (op) => {
    if (op.kind === "throw") throws = true;
    else if (op.kind === "opaque") throws ||= op.catches !== true && op.effects && !onlySpeaks(op);
    else if (op.kind === "call" && op.catches !== true) {
      if (op.callee.kind === "known") callees.add(op.callee.key);
      else throws ||= op.callee.kind !== "inert" || op.effects;
    }
  });
  return { throws, callees: [...callees] };
}

/** A cycle throws only if something in it does. */
function leadsToThrow(key: string, program: Pick<Program, "lower">): boolean {
  const memo = memoOf(program);
  const same = (a: Throwing, b: Throwing) => a.throws === b.throws && a.callees.join() === b.callees.join();
  const seen = new Set<string>();
  const visit = (each: string): boolean => {
    if (seen.has(each)) return false;
    seen.add(each);
    const { throws, callees } = memo.get(`throwing ${each}`, () => throwingOf(program.lower(each).body), same);
    return throws || callees.some(visit);
  };
  return visit(key);
}

/**
 * Whether a callee that throws has not changed anything yet that it was given: nothing after its first write can throw.
 * What it allocates itself may be written to before.
 */
export function throwsFirst(callee: Callee, program: Pick<Program, "lower">): boolean {
  return callee.kind === "known" && bodyThrowsFirst(program.lower(callee.key).body, program);
}

/** The same of the body of a function. */
export function bodyThrowsFirst(body: Region, program: Pick<Program, "lower">): boolean {
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
