/** Call sites: which arguments are active, how the callee sees them, and how its derivative is reached. */
import type { Activity } from "../analysis/index.ts";
import { type CallOp, type HirFunction, type Passing, type Program, passing, type Value } from "../hir/index.ts";

export interface Site {
  /** One bit per argument that the derivative takes, receiver first. */
  readonly mask: string;
  readonly kinds: readonly Passing[];
  /** Arguments of the derivative: padded for a known callee, without the function itself for a function value. */
  readonly args: readonly (Value | undefined)[];
  readonly known: HirFunction | undefined;
}

/** The derivative that an active call needs; undefined where the call runs as it stands. */
export function siteOf(
  call: CallOp,
  program: Program,
  activity: Activity,
  shadow: (v: Value) => boolean,
): Site | undefined {
  const { callee } = call;
  if (callee.kind === "inert") return undefined;
  const known = callee.kind === "known" ? program.lower(callee.key) : undefined;
  const rule = callee.kind === "value" ? callee.code : undefined;
  // An initialiser has no form of its own in JavaScript: only `new` on its class, which made the object in this call.
  // A rule's differential carries its derivative where the rule's own derivative made it.
  const asked = rule?.rule === "jvp" && activity.differentialCalled(call.results[0] as Value);
  const forced = (known?.kind === "initialiser" && !ownAllocation(call, activity)) || asked;
  const running = activity.callVaried(call) && activity.callUseful(call);
  if (!running && !forced) return undefined;
  const args = callee.kind === "value" ? call.args.slice(1) : [...call.args];
  const kinds: Passing[] =
    known === undefined ? args.map((a) => passing(a.type)) : known.params.map((p) => passing(p.type));
  const padded: (Value | undefined)[] = kinds.map((_, i) => args[i]);
  const bits = padded.map((a, i) => {
    if (a === undefined || kinds[i] === "-" || !running) return "0";
    if (callee.kind === "registered" && !callee.wrt.includes(i)) return "0";
    if (rule?.rule === "jvp" && rule.of.kind === "registered" && !rule.of.wrt.includes(i)) return "0";
    const own = passing(a.type);
    const value = activity.active(a);
    const reference = shadow(a);
    const active = kinds[i] === "v" ? value : kinds[i] === "r" ? reference : own === "v" ? value : reference || value;
    return active ? "1" : "0";
  });
  const mask = bits.join("");
  // A function value may still have captured something active.
  if (!mask.includes("1") && callee.kind !== "value" && !forced) return undefined;
  return { mask, kinds, args: padded, known };
}

function ownAllocation(call: CallOp, activity: Activity): boolean {
  const object = call.args[0];
  return object !== undefined && activity.allocated(object);
}
