/** Choosing forward-mode code for a call whose function is known only at run time. */
import { PullbackError } from "../errors.ts";
import { type Any, type Derivative, isLeaf, type Jvp } from "../protocol/index.ts";
import { requireDerivative } from "../registry/index.ts";
import { accumulate, tangentOf, zeroShadow } from "../shadows/index.ts";
import { isByReference } from "../structure/index.ts";
import { rearranged, type Source } from "./rearranged.ts";

const adapted = Symbol("pullback.adaptedJvp");

/**
 * Forward-mode code of `fn` for the arguments in `mask`, the receiver first: it takes exactly as many arguments as the
 * mask has bits, then one tangent per "1". With `spread` those are the arguments as a call passes them, without it as
 * the function declares them (a rest parameter is one array). Throws PB3004 or PB9001 when `fn` carries no derivative,
 * PB3011 when it was not compiled for forward mode, PB3013 when its registration has no `jvp`.
 */
export function jvp(fn: unknown, mask: string, spread = false): Jvp {
  return jvpOf(requireDerivative(fn), mask, spread);
}

/** `jvp` for a call `receiver.fn(…)`: a function without receiver (an arrow in a field) never sees the object it was found on. */
export function methodJvp(fn: unknown, mask: string): Jvp {
  const carried = requireDerivative(fn);
  if (carried.receiver === true || carried.registered?.receiver === true) return jvpOf(carried, mask, true);
  const inner = jvpOf(carried, mask.slice(1), true);
  const count = mask.length + mask.replaceAll("0", "").length;
  const dropped = mask[0] === "1" ? mask.length : -1;
  const kept = Array.from({ length: count }, (_, i) => i).filter((i) => i !== 0 && i !== dropped);
  return rearranged(inner, count, kept);
}

/** `jvp` for a derivative already found. */
export function jvpOf(carried: Derivative, mask: string, spread = false): Jvp {
  if (mask.length === carried.kinds.length && !(spread && carried.rest)) {
    const exact = carried.variants[mask]?.jvp;
    if (exact !== undefined) return exact;
  }
  const holder = carried as { [adapted]?: Map<string, Jvp> };
  holder[adapted] ??= new Map();
  const key = `${mask}${spread ? " spread" : ""}`;
  let found = holder[adapted].get(key);
  if (found === undefined) {
    found = carried.registered === undefined ? adapt(carried, mask, spread) : registeredJvp(carried, mask, spread);
    holder[adapted].set(key, found);
  }
  return found;
}

/** Code whose mask covers `mask`: the exact one, one made on demand, else the smallest superset. */
function covering(carried: Derivative, mask: string): { mask: string; code: Jvp } {
  const exact = carried.variants[mask]?.jvp ?? carried.deriveJvp?.(mask);
  if (exact !== undefined) return { mask, code: exact };
  const ones = (bits: string) => bits.replaceAll("0", "").length;
  const covers = (bits: string) =>
    bits.length === mask.length && Array.from(mask).every((bit, p) => bit === "0" || bits[p] === "1");
  const [smallest] = Object.keys(carried.variants)
    .filter((bits) => carried.variants[bits]?.jvp !== undefined && covers(bits))
    .sort((a, b) => ones(a) - ones(b));
  const code = smallest === undefined ? undefined : carried.variants[smallest]?.jvp;
  if (smallest === undefined || code === undefined) {
    throw new PullbackError(`"${carried.name}" has no forward-mode derivative for the parameters ${mask}.`, {
      code: "PB3011",
      hint: "It was not compiled for this. Tag it /** @differentiable */ where it is declared and compile that package again.",
    });
  }
  return { mask: smallest, code };
}

/** Compiled code behind another view: another arity or mask, rest parameters spread. */
function adapt(carried: Derivative, mask: string, spread: boolean): Jvp {
  const given = mask.length;
  const arity = carried.kinds.length;
  const rest = spread && carried.rest === true;
  const fixed = rest ? arity - 1 : arity;
  let target = "";
  for (let p = 0; p < arity; p++) {
    const active = p < fixed ? mask[p] === "1" : mask.includes("1", fixed);
    target += active && carried.kinds[p] !== "-" ? "1" : "0";
  }
  const { mask: bits, code } = covering(carried, target);
  if (!rest && given === arity && bits === mask) return code;
  /** Where the tangent of each argument stands. */
  let next = given;
  const places = Array.from(mask, (bit) => (bit === "1" ? next++ : -1));
  const tangentOf = (p: number) => {
    const place = places[p] as number;
    return place < 0 ? { zeroOf: p } : place;
  };
  const items = rest ? Array.from({ length: Math.max(given - fixed, 0) }, (_, i) => fixed + i) : [];
  const sources: Source[] = Array.from({ length: fixed }, (_, p) => (p < given ? p : undefined));
  if (rest) sources.push(items);
  for (let p = 0; p < arity; p++) {
    if (bits[p] === "1")
      sources.push(rest && p === fixed ? items.map(tangentOf) : p < given ? tangentOf(p) : undefined);
  }
  return rearranged(code, next, sources);
}

/** A registered `jvp` behind the interface of compiled code. */
function registeredJvp(carried: Derivative, mask: string, spread: boolean): Jvp {
  const { jvp: rule, positions, variadic } = carried.registered as NonNullable<Derivative["registered"]>;
  if (rule === undefined) {
    throw new PullbackError(`The registered derivative of "${carried.name}" has no forward mode.`, {
      code: "PB3013",
      hint: "Give its registration a jvp: registerDerivative(f, { vjp, jvp: (x, y) => ({ value, differential: (dx, dy) => … }) }).",
    });
  }
  // A function of any number of arguments, seen as one of a single array.
  if (variadic && !spread) {
    return (items: readonly Any[], tangents: readonly Any[]) => {
      const { value, differential } = rule(...items);
      return { value, tangent: differential(...items.map((_, i) => tangents?.[i] ?? 0)) };
    };
  }
  const arity = mask.length;
  const wanted = variadic ? Array.from(mask, (_, i) => i) : positions;
  const active = Array.from(mask).flatMap((bit, p) => (bit === "1" ? [p] : []));
  return (...args) => {
    const given = args.slice(0, arity);
    const { value, differential } = rule(...given);
    const tangents = wanted.map((p) => {
      const at = active.indexOf(p);
      return entry(given[p], at < 0 ? undefined : args[arity + at]);
    });
    const isZero = tangents.every((tangent) => tangent === undefined || tangent === 0);
    const tangent = isZero ? undefined : differential(...tangents);
    if (!isByReference(value)) return { value, tangent: tangent ?? (typeof value === "number" ? 0 : undefined) };
    const shadow = zeroShadow(value, carried.resultShape);
    accumulate(shadow, tangent);
    return { value, tangent: shadow };
  };
}

/** A tangent as a rule takes it: a number for a number, `undefined` for a leaf that does not vary, a full tree otherwise. */
function entry(argument: Any, tangent: Any): Any {
  if (typeof argument === "number") return tangent ?? 0;
  if (tangent === undefined || isLeaf(tangent) || !isByReference(argument)) return tangent;
  const copy = zeroShadow(argument);
  accumulate(copy, tangent);
  return tangentOf(copy, argument);
}
