/** The tangents of a function's values while forward mode writes them down, and what stands in for one that is zero. */
import type { Activity } from "../analysis/index.ts";
import { type Builder, isNumeric, passing, type Type, type Value } from "../hir/index.ts";
import { isNumericSlot } from "./forward.ts";

export class Tangents {
  private readonly activity: Activity;
  private readonly known = new Map<Value, Value>();

  constructor(activity: Activity) {
    this.activity = activity;
  }

  has(v: Value): boolean {
    return this.known.has(v);
  }

  get(v: Value): Value | undefined {
    return this.known.get(v);
  }

  set(v: Value, tangent: Value): void {
    this.known.set(v, tangent);
  }

  /** Whether a value may have a tangent: it depends on the parameters and the result depends on it. */
  varies(v: Value): boolean {
    const { activity } = this;
    switch (passing(v.type)) {
      case "v":
        return activity.active(v);
      case "r":
        return activity.shadowed(v);
      case "u":
        return activity.active(v) || activity.shadowed(v);
      default:
        return false;
    }
  }

  /** The tangent of a value in a place of type `type`; a zero where it has none. */
  of(b: Builder, v: Value, type: Type = v.type): Value {
    const tangent = this.known.get(v);
    if (tangent === undefined) return this.zero(b, v, type);
    // A value of unknown kind has the tangent `undefined` where it is a number that does not vary.
    if (passing(v.type) === "u" && isNumeric(type)) return b.prim("??", [tangent, b.const(0)]);
    return tangent;
  }

  private zero(b: Builder, v: Value, type: Type): Value {
    const kind = passing(v.type) === "-" ? passing(type) : passing(v.type);
    if (kind === "-") return b.const(undefined, v.type);
    if (kind === "v")
      return isNumeric(type) || isNumeric(v.type) || isNumericSlot(type) ? b.const(0) : b.const(undefined, type);
    if (passing(v.type) === "-" || v.type.kind === "function") return b.const(undefined, type);
    return b.runtime("zeroShadow", [v], v.type);
  }

  /** What a tangent's slot of type `type` holds when the program puts `value` there; undefined where there is no slot. */
  slot(b: Builder, type: Type, value: Value | undefined): Value | undefined {
    if (value !== undefined)
      return passing(value.type) === "-" && passing(type) === "-" ? undefined : this.of(b, value, type);
    const kind = passing(type);
    if (kind === "-") return undefined;
    return kind === "v" && (isNumeric(type) || isNumericSlot(type)) ? b.const(0) : b.const(undefined, type);
  }
}
